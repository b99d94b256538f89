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
// its log and its state below the bound knows that acknowledged writes are gone (DATA_LOSS). What
// was truncated stands there too: a log that lacks more than that is damaged itself (log_check.h).
//
// Only lower bounds: it is written at most once a second and on Close. A HINT that is missing or
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
  // Entries up to `lsn` are in the state for good, and may go from the log.
  void NoteTruncated(uint64_t shard, uint64_t lsn);
  // What the file said of that at Open; 0: nothing is known.
  uint64_t Truncated(uint64_t shard) const;
  // Asked a few times a second: writes what was noted since the file was written, once it may.
  absl::Status Tick();
  absl::Status Forget(uint64_t shard);  // the shard was dropped
  // On a clean stop, after the last Note.
  absl::Status Close();

 private:
  LogHint(std::string path, FileSystem& files, const Clock& clock)
      : path_(std::move(path)), files_(files), clock_(clock) {}

  struct Reach {
    uint64_t acknowledged = 0;
    uint64_t truncated = 0;
  };

  void Load();
  void LoadField(const std::string& key, const std::string& value);
  void Raise(uint64_t& bound, uint64_t lsn);
  absl::Status WriteIfDueLocked();
  enum class Bound { kLower, kExact };
  absl::Status WriteLocked(Bound bound);

  const std::string path_;
  FileSystem& files_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::map<uint64_t, Reach> at_open_;
  std::map<uint64_t, Reach> now_;
  bool is_written_ = true;  // now_ stands in the file
  bool was_exact_ = false;
  Deadline next_write_ = Deadline::min();
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_HINT_H_
