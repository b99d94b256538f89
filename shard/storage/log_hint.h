#ifndef KITH_SHARD_STORAGE_LOG_HINT_H_
#define KITH_SHARD_STORAGE_LOG_HINT_H_

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "shard/storage/file_system.h"

namespace kith::storage {

// A lower bound of every shard's last acknowledged lsn, in a file beside the log. RocksDB opens a
// log whose WAL was deleted or cut without a complaint (tests/assumptions); a shard that finds both
// its log and its state below the bound knows that acknowledged writes are gone (DATA_LOSS).
//
// Only a lower bound: it is written at most once a second and on Close. A HINT that is missing or
// unreadable bounds nothing and hurts nothing. So damage to the log is noticed for every write that
// is older than a second or two.
//
// Threads: any.
class LogHint {
 public:
  static constexpr std::chrono::seconds kWritePeriod{1};

  // `files` and `clock` outlive it.
  static std::unique_ptr<LogHint> Open(const std::string& path, FileSystem& files,
                                       const Clock& clock);

  // Before anything is appended to the log.
  void Begin();
  // Whether the file said at Open that nothing was acknowledged after it was written.
  bool was_exact() const { return was_exact_; }
  // What the file said at Open; 0: nothing is known.
  uint64_t Expected(uint64_t shard) const;
  // `lsn` is acknowledged. Writes the file if the last time was long enough ago.
  absl::Status Note(uint64_t shard, uint64_t lsn);
  // How far the log itself has come, everything of it durable (LogStore::sequence).
  void NoteLog(uint64_t sequence);
  // What the file said of that at Open.
  uint64_t ExpectedOfLog() const { return expected_of_log_; }
  // Asked a few times a second: writes what was noted since the file was written, once it may.
  absl::Status Tick();
  absl::Status Forget(uint64_t shard);  // the shard was dropped
  // On a clean stop, after the last Note.
  absl::Status Close();

 private:
  LogHint(std::string path, FileSystem& files, const Clock& clock)
      : path_(std::move(path)), files_(files), clock_(clock) {}

  void Load();
  absl::Status WriteIfDueLocked();
  enum class Bound { kLower, kExact };
  absl::Status WriteLocked(Bound bound);

  const std::string path_;
  FileSystem& files_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::map<uint64_t, uint64_t> expected_;
  std::map<uint64_t, uint64_t> acknowledged_;
  bool is_written_ = true;  // acknowledged_ stands in the file
  bool was_exact_ = false;
  uint64_t log_sequence_ = 0;
  uint64_t expected_of_log_ = 0;
  Deadline next_write_ = Deadline::min();
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_HINT_H_
