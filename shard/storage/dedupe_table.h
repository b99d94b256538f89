#ifndef KITH_SHARD_STORAGE_DEDUPE_TABLE_H_
#define KITH_SHARD_STORAGE_DEDUPE_TABLE_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "shard/storage/state_store.h"

namespace kith::storage {

// The requests that were applied, in two kinds of keys of one column family: an entry by its
// request id, and a mark by its age, so that the oldest are found without reading all.
//
// Threads: any.
class DedupeTable {
 public:
  DedupeTable(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) : db_(db), family_(family) {}

  static std::string EntryKey(std::string_view request_id);
  static std::string AgeKey(uint64_t unix_ms, std::string_view request_id);
  static std::string EncodeEntry(const DedupeEntry& entry);

  absl::StatusOr<std::optional<DedupeEntry>> Find(std::string_view request_id) const;

  struct Expiry {
    uint64_t oldest_unix_ms = 0;  // what is older goes
    uint64_t surplus = 0;         // so many of the oldest go whatever their age
  };
  // Adds to `batch` the removal of what expired, a bounded number at a time; answers how many.
  absl::StatusOr<uint64_t> Expire(const Expiry& expiry, rocksdb::WriteBatch& batch) const;

 private:
  absl::Status RemoveMarked(const rocksdb::Slice& mark, rocksdb::WriteBatch& batch) const;

  rocksdb::DB& db_;
  rocksdb::ColumnFamilyHandle* const family_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_DEDUPE_TABLE_H_
