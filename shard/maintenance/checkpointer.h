#ifndef KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_
#define KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/maintenance/manifest.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Makes the present snapshot what the next start begins from: segment and tombstone files,
// manifest, a flush of the truth, and the log cut below it. A crash anywhere leaves the old
// checkpoint or the new one; after an error it can be run again.
//
// Threads: one at a time (the copy's maintenance lock), except versions().
class Checkpointer {
 public:
  // `manifest` is what stands on disk, and `parts` was just recovered from it.
  Checkpointer(CopyParts& parts, Manifest manifest);

  absl::Status Run();
  // Removes files that nothing refers to: left by a crash or an error between two steps.
  absl::Status RemoveOrphans();
  uint64_t lsn() const { return manifest_.lsn; }
  // The files below seg/ that the manifest on disk names.
  std::set<std::string> files() const;
  // The index versions that the manifest on disk names. Threads: any.
  std::set<std::string> versions() const;

 private:
  using Segment = std::shared_ptr<const index::ListSegment>;

  absl::StatusOr<Manifest> Describe(const Snapshot& snapshot);
  absl::StatusOr<std::string> SegmentFile(const BuiltIndex& index, const Segment& segment);
  absl::Status FlushWritten();
  absl::Status Trim(uint64_t lsn);
  void RememberFiles(const Snapshot& snapshot);
  void ForgetFilesOfOthers(const Snapshot& snapshot);
  void Adopt(Manifest manifest);
  absl::StatusOr<uint64_t> NextFreeFile() const;
  std::string Path(const std::string& file) const;

  CopyParts& parts_;
  Manifest manifest_;  // the one that a start would find
  // Written to the state, but the flush failed: a start finds it or manifest_.
  std::optional<Manifest> written_;
  // Only grows, also where an attempt fails: what was written keeps its name and content.
  uint64_t next_file_ = 0;
  // Files of the segments that are on disk. Weak: a segment that was merged away does not stay in
  // memory until the next checkpoint, and yet no other can take its place.
  std::map<std::weak_ptr<const index::ListSegment>, std::string, std::owner_less<>> files_;

  mutable std::mutex versions_mutex_;
  std::set<std::string> versions_;  // guarded by versions_mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_CHECKPOINTER_H_
