#include "shard/storage/state_checkpoint.h"

#include <rocksdb/metadata.h>
#include <rocksdb/utilities/checkpoint.h>

#include <memory>
#include <vector>

#include "absl/strings/escaping.h"
#include "common/base/status.h"
#include "shard/storage/rocks_state_store.h"

namespace kith::storage {
namespace {

constexpr uint64_t kCacheBytes = 8 << 20;

}  // namespace

// Flushes first, all families together, and keeps its files from being deleted meanwhile.
absl::Status RocksStateStore::Checkpoint(const std::string& directory) {
  if (disk_.room->IsAwaited()) return NoRoom();
  rocksdb::Checkpoint* made = nullptr;
  KITH_RETURN_IF_ERROR(Checked(rocksdb::Checkpoint::Create(&db(), &made), "copy the state"));
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  return Checked(checkpoint->CreateCheckpoint(directory), "copy the state");
}

std::map<std::string, std::string> RocksStateStore::TableChecksums() const {
  std::map<std::string, std::string> checksums;
  std::vector<rocksdb::LiveFileMetaData> tables;
  db().GetLiveFilesMetaData(&tables);
  for (const rocksdb::LiveFileMetaData& table : tables) {
    // "/000012.sst"
    checksums[table.name.substr(table.name.find_last_of('/') + 1)] =
        absl::BytesToHexString(table.file_checksum);
  }
  return checksums;
}

absl::StatusOr<StateCheckpoint> ReadStateCheckpoint(FileSystem& files,
                                                    const std::string& directory) {
  StateOptions options;
  options.directory = directory;
  options.files = &files;
  options.memory = NewStoreMemory({kCacheBytes, kCacheBytes});
  options.access = DatabaseAccess::kRead;
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<RocksStateStore> store,
                        RocksStateStore::OpenPrepared(options));
  StateCheckpoint checkpoint;
  checkpoint.applied = store->applied();
  KITH_ASSIGN_OR_RETURN(checkpoint.digests, store->ReadDigests());
  checkpoint.table_checksums = store->TableChecksums();
  return checkpoint;
}

}  // namespace kith::storage
