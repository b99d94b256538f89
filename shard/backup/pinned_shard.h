#ifndef KITH_SHARD_BACKUP_PINNED_SHARD_H_
#define KITH_SHARD_BACKUP_PINNED_SHARD_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/local_backups.h"
#include "shard/node.h"

namespace kith::shard {

// A file below a pin, with what it can be known by without reading it (BackupFile::origin).
struct PinnedFile {
  std::string path;    // below the pin, as BackupFile::path
  std::string origin;  // empty: by nothing
  uint64_t bytes = 0;
};

// The files of one shard as of one moment, under names of their own below the node's directory: the
// shard may compact, checkpoint or be dropped meanwhile. Threads: one at a time.
class PinnedShard {
 public:
  // Says which writes are in it from the files themselves. INTERNAL where they lack a write that
  // was acknowledged before: a bug, and not a backup.
  static absl::StatusOr<PinnedShard> Pin(Node& node, storage::FileSystem& files,
                                         const CreateBackupCall::Shard& shard);

  const BackupShard& facts() const { return facts_; }  // without bytes
  const std::vector<PinnedFile>& files() const { return files_; }
  std::string PathOf(const PinnedFile& file) const { return directory_ + "/" + file.path; }

 private:
  PinnedShard() = default;

  std::string directory_;
  BackupShard facts_;
  std::vector<PinnedFile> files_;
};

// Below Node::directory().pinned_path(): all pins, gone.
absl::Status RemovePins(Node& node, storage::FileSystem& files);

absl::Status CheckHolds(uint64_t acknowledged_lsn, const BackupShard& shard);

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_PINNED_SHARD_H_
