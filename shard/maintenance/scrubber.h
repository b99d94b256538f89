#ifndef KITH_SHARD_MAINTENANCE_SCRUBBER_H_
#define KITH_SHARD_MAINTENANCE_SCRUBBER_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// What others must do about what is found.
struct ScrubActions {
  // Rows of the row file, from the truth. Answers how many were wrong.
  std::function<absl::StatusOr<uint64_t>(std::span<const uint32_t>)> rewrite_rows;
  // The files under seg/ that the checkpoint on disk consists of.
  std::function<std::set<std::string>()> checkpoint_files;
  // One of those, from what is in memory.
  std::function<void(const std::string& file)> rewrite_file;
};

// Reads again, bit by bit and for ever, what nobody may have looked at for a long time, while it
// can still be mended: every row of the truth (whose blocks RocksDB checks) and beside it its
// record in the row file, then the segment, tombstone and artifact files. What is not truth is
// written again; damage to the truth is reported. In between it mends the rows that searches found.
//
// Threads: Step one at a time; the rest any.
class Scrubber {
 public:
  // `every`: from the beginning of one pass to that of the next, at least.
  Scrubber(CopyParts& parts, ScrubActions actions, std::chrono::nanoseconds every)
      : parts_(parts), actions_(std::move(actions)), every_(every) {}

  // So many bytes more may be read. What is not used within a while lapses.
  void Allow(uint64_t bytes);
  bool IsDue() const;
  // About a megabyte, or one file. True where there is more to do at once.
  bool Step();
  // What the last pass could not mend; empty: nothing.
  std::string trouble() const;

 private:
  // A file of the pass under way.
  struct File {
    std::string path;
    std::string name;      // under seg/; empty: an artifact
    std::string artifact;  // its hash
  };

  bool MayBegin() const;
  void BeginPass();
  void EndPass();
  void MendSuspects();
  void CheckMissing();
  uint64_t ScrubRows();
  bool IsWhole(const Snapshot& snapshot, const storage::RowRecord& record) const;
  void NoteMissing(const Snapshot& snapshot, uint32_t begin, uint32_t end);
  void Rewrite(std::span<const uint32_t> rows, const char* found_by);
  void ListFiles();
  uint64_t ScrubFile();
  void MendFile(const File& file, const absl::Status& why);
  void Found(const std::string& path, const absl::Status& why);
  void CannotMend(const std::string& path, const absl::Status& why);

  CopyParts& parts_;
  const ScrubActions actions_;
  const std::chrono::nanoseconds every_;
  std::atomic<int64_t> allowance_{0};     // bytes; below zero: read too much
  std::atomic<int64_t> next_pass_ns_{0};  // steady clock
  std::atomic<bool> is_passing_{false};
  uint32_t next_row_ = 0;
  bool rows_are_done_ = false;
  std::vector<uint32_t> missing_;  // live, and not in the truth when it was read: look again
  std::vector<File> files_;
  std::string found_;  // in this pass, and not mended

  mutable std::mutex mutex_;
  std::string trouble_;  // guarded by mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_SCRUBBER_H_
