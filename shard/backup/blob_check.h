#ifndef KITH_SHARD_BACKUP_BLOB_CHECK_H_
#define KITH_SHARD_BACKUP_BLOB_CHECK_H_

#include <string>

#include "absl/status/status.h"
#include "shard/backup/backup_store.h"

namespace kith::shard {

// What is wrong with one file of a backup, as far as it is known without its content; empty:
// nothing.
std::string WrongSum(const BackupFile& expected, const storage::FileSum& found);

// Reads every file of a backup once. DATA_LOSS CORRUPTION naming what is missing or wrong, by the
// shard that needs it and by where it lies in the store; errors of `watch` as they are.
absl::Status CheckBlobs(const BackupStore& store, storage::FileSystem& files,
                        const BackupManifest& manifest, const storage::PieceWatch& watch);

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_BLOB_CHECK_H_
