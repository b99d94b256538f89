#ifndef KITH_SHARD_BACKUP_SHARD_RESTORE_H_
#define KITH_SHARD_BACKUP_SHARD_RESTORE_H_

#include "absl/status/status.h"
#include "shard/backup/backup_store.h"
#include "shard/node.h"

namespace kith::shard {

// What the shards of one restore have in common.
struct RestoreSource {
  Node& node;
  storage::FileSystem& files;
  const BackupStore& store;
  const BackupManifest& backup;
  const CollectionManifest& collection;
  storage::PieceWatch watch;
};

// Makes one shard of a backup serve under a new number and incarnation: copies its files, each
// compared with its SHA-256, into a staged directory, marks its segments with the new incarnation,
// opens it (which builds the row file from the stored points and compares their digests) and
// compares the digest with that of the backup. DATA_LOSS CORRUPTION names the file. A shard that
// was opened and is not the backup's is left for the caller to drop.
absl::Status RestoreShard(const RestoreSource& source, const ShardManifest& shard,
                          const ShardSpec& spec);

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_SHARD_RESTORE_H_
