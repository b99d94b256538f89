#ifndef KITH_SHARD_BACKUP_BACKUP_STORE_H_
#define KITH_SHARD_BACKUP_BACKUP_STORE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "shard/backup/backup_manifest.h"
#include "shard/storage/file_copy.h"
#include "shard/storage/file_system.h"
#include "shard/storage/lock_file.h"

namespace kith::shard {

struct BackupStoreOptions {
  std::string directory;
  storage::FileSystem* files = nullptr;  // outlives the store
  uint64_t reserve_bytes = 0;            // of its disk, that copies leave free
};

// The directory of backups (docs/formats.md): files named by their SHA-256, each there once however
// many backups need it, and one manifest a complete backup, which comes last. What no manifest
// names is left over from something that was cut short, and swept.
//
// Codes as LocalBackups. Threads: one at a time.
class BackupStore {
 public:
  // kChange takes the store's lock and marks an empty directory as a store; kRead changes nothing,
  // and can be had of a read-only disk.
  enum class Access { kRead, kChange };
  // FAILED_PRECONDITION STORAGE where the directory is absent or holds something else;
  // DIRECTORY_IN_USE where another process changes it; FORMAT_VERSION.
  static absl::StatusOr<std::unique_ptr<BackupStore>> Open(const BackupStoreOptions& options,
                                                           Access access);

  absl::StatusOr<std::vector<std::string>> Names() const;
  bool Has(const std::string& name) const;
  absl::StatusOr<BackupManifest> Read(const std::string& name) const;
  std::string BlobPath(const std::string& sha256) const;

  // Takes in a file that nobody changes any more: by a second name where the store is on the same
  // file system, else by a copy, and not at all where the store has it. Answers what it is; the
  // path is left to the caller. RESOURCE_EXHAUSTED DISK_FULL before the reserve is touched.
  absl::StatusOr<BackupFile> Add(const std::string& source, const storage::PieceWatch& watch);
  // The file of the store that came from the same; nullptr where there is none, or it is not whole.
  const BackupFile* FindOrigin(const std::string& origin) const;
  uint64_t added_bytes() const { return added_bytes_; }  // by Add, since it was opened

  // Durable: from here on the backup is there.
  absl::Status Commit(const BackupManifest& manifest);
  absl::Status Remove(const std::string& name);
  // Removes what no backup names. Where a manifest cannot be read nothing of the files is removed:
  // it may be one of a newer program.
  absl::Status Sweep();

 private:
  explicit BackupStore(const BackupStoreOptions& options) : options_(options) {}

  absl::Status CheckFormat(Access access);
  absl::Status Prepare();
  absl::Status LearnOrigins();
  absl::Status CheckRoom(const std::string& source) const;
  absl::Status Place(const std::string& incoming, const storage::FileSum& sum);
  absl::StatusOr<std::set<std::string>> NamedBlobs() const;
  absl::Status SweepFolder(const std::string& folder, const std::set<std::string>& kept);
  std::string Path(const std::string& below) const { return options_.directory + "/" + below; }

  const BackupStoreOptions options_;
  std::unique_ptr<storage::LockFile> lock_;
  std::map<std::string, BackupFile> origins_;
  std::set<std::string> unsynced_;  // folders with new names
  uint64_t added_bytes_ = 0;
  uint64_t next_incoming_ = 0;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_BACKUP_STORE_H_
