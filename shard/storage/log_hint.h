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
// unreadable bounds nothing and hurts nothing.
//
// Threads: any.
class LogHint {
 public:
  static constexpr std::chrono::seconds kWritePeriod{1};

  // `files` and `clock` outlive it.
  static std::unique_ptr<LogHint> Open(const std::string& path, FileSystem& files,
                                       const Clock& clock);

  // What the file said at Open; 0: nothing is known.
  uint64_t Expected(uint64_t shard) const;
  // `lsn` is acknowledged. Writes the file if the last time was long enough ago.
  absl::Status Note(uint64_t shard, uint64_t lsn);
  absl::Status Forget(uint64_t shard);  // the shard was dropped
  // On a clean stop, after the last Note.
  absl::Status Close();

 private:
  LogHint(std::string path, FileSystem& files, const Clock& clock)
      : path_(std::move(path)), files_(files), clock_(clock) {}

  void Load();
  absl::Status WriteLocked();

  const std::string path_;
  FileSystem& files_;
  const Clock& clock_;

  mutable std::mutex mutex_;
  std::map<uint64_t, uint64_t> expected_;
  std::map<uint64_t, uint64_t> acknowledged_;
  Deadline next_write_ = Deadline::min();
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_HINT_H_
