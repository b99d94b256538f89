#ifndef KITH_SHARD_STORAGE_LOG_STORE_H_
#define KITH_SHARD_STORAGE_LOG_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/storage/faults.h"
#include "shard/storage/file_system.h"
#include "shard/storage/rocks_access.h"

namespace kith::storage {

// One entry: everything one write request resolved to. `body` is the encoded operations
// (shard/write/log_entry.h); the store adds format and checksum.
struct LogRecord {
  uint64_t shard = 0;
  uint64_t lsn = 0;
  uint64_t epoch = 0;
  std::string_view body;
};

struct LogOptions {
  std::string directory;
  FileSystem* files = nullptr;
  Faults faults;
  uint64_t write_buffer_bytes = 32 << 20;
  DatabaseAccess access = DatabaseAccess::kWrite;
};

// The node's operation log: one RocksDB for all shards, key = shard | lsn big-endian. The only
// thing that is synced in the foreground. Threads: any (RocksDB groups concurrent commits).
class LogStore {
 public:
  virtual ~LogStore() = default;

  // DATA_LOSS CORRUPTION where the log cannot be opened without losing what was synced.
  static absl::StatusOr<std::unique_ptr<LogStore>> Open(const LogOptions& options);

  // Durable when it returns. An error here means that nothing is known of these records: the shard
  // stops (an fsync is never repeated).
  virtual absl::Status Append(std::span<const LogRecord> records) = 0;
  // Entries with lsn >= from (0 counts as 1) in order, each checked, none missing between `from`
  // and the last: DATA_LOSS CORRUPTION names the first bad one. `from` is above what was truncated.
  virtual absl::Status Read(uint64_t shard, uint64_t from_lsn,
                            const std::function<absl::Status(const LogRecord&)>& visit) = 0;
  virtual absl::StatusOr<uint64_t> LastLsn(uint64_t shard) = 0;  // 0: none
  // The first lsn from `from_lsn` on that has no entry; what is in the others is not looked at.
  virtual absl::StatusOr<uint64_t> FirstMissing(uint64_t shard, uint64_t from_lsn) = 0;
  // Entries up to and including `lsn` may go; they go in the background.
  virtual absl::Status Truncate(uint64_t shard, uint64_t lsn) = 0;
  virtual absl::Status DropShard(uint64_t shard) = 0;
  // Writes down what is held in memory, without what was truncated, and lets the memory go.
  virtual absl::Status Flush() = 0;
  virtual const std::string& directory() const = 0;
  virtual uint64_t bytes() const = 0;  // on disk
  virtual uint64_t memory_bytes() const = 0;
  // As StateStore::VerifyFiles.
  virtual absl::Status VerifyFiles() = 0;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_LOG_STORE_H_
