#ifndef KITH_SHARD_STORAGE_ROCKS_ACCESS_H_
#define KITH_SHARD_STORAGE_ROCKS_ACCESS_H_

namespace kith::storage {

// How a database is opened. kRead changes nothing on the disk and takes no lock, so it is for
// directories that nobody serves.
enum class DatabaseAccess { kWrite, kRead };

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_ACCESS_H_
