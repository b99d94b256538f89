#ifndef KITH_SHARD_STORAGE_ROCKS_OPEN_H_
#define KITH_SHARD_STORAGE_ROCKS_OPEN_H_

#include <rocksdb/db.h>

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "shard/storage/file_system.h"
#include "shard/storage/rocks_access.h"

namespace kith::storage {

inline rocksdb::Slice ToSlice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

// Refuses a directory that lost its CURRENT file (DATA_LOSS CORRUPTION): RocksDB would begin an
// empty database over what is left. Who writes has the directory made first, durably; who reads
// changes nothing, and finds none where there is none.
absl::Status PrepareDatabaseDirectory(FileSystem& files, const std::string& directory,
                                      DatabaseAccess access);

// One database and its column families, closed in the right order. Threads: as RocksDB's.
class OpenDatabase {
 public:
  OpenDatabase(rocksdb::DB* db, std::vector<rocksdb::ColumnFamilyHandle*> families)
      : db_(db), families_(std::move(families)) {}
  ~OpenDatabase();
  OpenDatabase(const OpenDatabase&) = delete;
  OpenDatabase& operator=(const OpenDatabase&) = delete;

  rocksdb::DB& db() const { return *db_; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& families() const { return families_; }

 private:
  const std::unique_ptr<rocksdb::DB> db_;
  const std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_OPEN_H_
