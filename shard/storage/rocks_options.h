#ifndef KITH_SHARD_STORAGE_ROCKS_OPTIONS_H_
#define KITH_SHARD_STORAGE_ROCKS_OPTIONS_H_

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <vector>

#include "shard/storage/log_store.h"
#include "shard/storage/log_truncation.h"
#include "shard/storage/state_store.h"

// Every RocksDB option of both databases, each pinned with its reason: a default that changes under
// us must not change what survives a crash.
namespace kith::storage {

// The order of the state database's column families; the handles come in the same order.
enum class Family : size_t { kSys, kRows, kIds, kDead, kDedupe, kPostings };
inline constexpr size_t kFamilies = 6;

// What a write does that RocksDB would hold up, for flushes or compactions to catch up with it.
enum class Stall { kWait, kRefuse };

rocksdb::Options LogDatabaseOptions(const LogOptions& options,
                                    std::shared_ptr<LogTruncation> truncation);
rocksdb::WriteOptions LogWriteOptions(const Faults& faults);

rocksdb::DBOptions StateDatabaseOptions(const StateOptions& options, rocksdb::Env& env);
std::vector<rocksdb::ColumnFamilyDescriptor> StateFamilies(const StateOptions& options);
rocksdb::WriteOptions StateWriteOptions(Stall stall);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_OPTIONS_H_
