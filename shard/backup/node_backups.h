#ifndef KITH_SHARD_BACKUP_NODE_BACKUPS_H_
#define KITH_SHARD_BACKUP_NODE_BACKUPS_H_

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/shard_api/local_backups.h"
#include "shard/backup/backup_store.h"
#include "shard/backup/pinned_shard.h"
#include "shard/node.h"

namespace kith::shard {

struct NodeBackupOptions {
  std::string directory;                            // of the store; not below the node's
  uint64_t reserve_bytes = 0;                       // of either disk, that copies leave free
  uint64_t bytes_per_second = uint64_t{200} << 20;  // of making and verifying; restores do not wait
};

// Backups of one node's shards. The node's files are held by second names for as long as they are
// copied, so that nothing waits for a backup: writes, compactions and drops go on.
//
// Threads: any; node, files and clock outlive it.
class NodeBackups final : public LocalBackups {
 public:
  NodeBackups(Node& node, storage::FileSystem& files, const Clock& clock, NodeBackupOptions options)
      : node_(node), files_(files), clock_(clock), options_(std::move(options)) {}

  absl::StatusOr<Backup> Create(const CreateBackupCall& call, BackupJob& job) override;
  absl::StatusOr<std::vector<ListedBackup>> List() override;
  absl::StatusOr<Backup> Read(const std::string& name) override;
  absl::Status Verify(const std::string& name, BackupJob& job) override;
  absl::Status Remove(const std::string& name) override;
  absl::Status Restore(const RestoreShardsCall& call, BackupJob& job) override;

 private:
  struct PinnedCollection {
    const CreateBackupCall::Collection& call;
    std::vector<PinnedShard> shards;
  };

  absl::StatusOr<std::unique_ptr<BackupStore>> OpenStore(BackupStore::Access access) const;
  absl::StatusOr<BackupManifest> MakeBackup(BackupStore& store, const CreateBackupCall& call,
                                            BackupJob& job);
  absl::StatusOr<std::vector<PinnedCollection>> PinAll(const CreateBackupCall& call,
                                                       BackupJob& job);
  absl::Status CheckRoomToPin() const;
  absl::Status CheckRoomFor(const CollectionManifest& collection,
                            const RestoreShardsCall& call) const;

  Node& node_;
  storage::FileSystem& files_;
  const Clock& clock_;
  const NodeBackupOptions options_;
  std::mutex job_mutex_;  // held by whatever runs: one at a time
};

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_NODE_BACKUPS_H_
