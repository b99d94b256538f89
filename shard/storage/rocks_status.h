#ifndef KITH_SHARD_STORAGE_ROCKS_STATUS_H_
#define KITH_SHARD_STORAGE_ROCKS_STATUS_H_

#include <rocksdb/status.h>

#include <string>
#include <string_view>

#include "absl/status/status.h"

namespace kith::storage {

// No room on the disk, or none left in the quota.
bool IsDiskFull(const rocksdb::Status& status);

// RESOURCE_EXHAUSTED DISK_FULL, DATA_LOSS CORRUPTION, FAILED_PRECONDITION STORAGE (read-only, no
// rights) or DIRECTORY_IN_USE, NOT_FOUND; UNAVAILABLE STORAGE for the rest.
absl::Status FromRocks(const rocksdb::Status& status, std::string_view action,
                       const std::string& path);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_STATUS_H_
