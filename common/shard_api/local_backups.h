#ifndef KITH_COMMON_SHARD_API_LOCAL_BACKUPS_H_
#define KITH_COMMON_SHARD_API_LOCAL_BACKUPS_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"

namespace kith {

// The side of a long job that is told how far it is and asked whether to go on. Threads: any.
class BackupJob {
 public:
  virtual ~BackupJob() = default;
  virtual void Report(const std::string& stage, double progress) = 0;
  virtual absl::Status Check() const = 0;  // CANCELLED once nobody wants it any more
};

// One shard in a backup: everything up to `lsn`, and nothing after it.
struct BackupShard {
  ShardId shard = 0;  // its number when the backup was made
  uint64_t lsn = 0;
  uint64_t points = 0;
  uint64_t bytes = 0;  // of all its files
  std::string digest;  // as VerifyReply::digest
};

struct BackupCollection {
  std::string name;
  std::string record;  // the coordinator's own, as it encodes it
  std::vector<BackupShard> shards;
};

struct Backup {
  std::string name;
  uint64_t created_unix_ms = 0;
  uint64_t bytes = 0;        // of all files, those shared with other backups among them
  uint64_t added_bytes = 0;  // that no earlier backup had
  std::vector<BackupCollection> collections;
};

// A name in the store, and what it is, or why that cannot be said.
struct ListedBackup {
  std::string name;
  absl::StatusOr<Backup> backup;
};

struct CreateBackupCall {
  struct Shard {
    ShardId shard = 0;
    Uuid incarnation;
  };
  struct Collection {
    std::string name;
    std::string record;
    std::vector<Shard> shards;
  };
  std::string name;
  std::vector<Collection> collections;
  // Called once the files of every shard are held and before any is copied: an error ends it.
  std::function<absl::Status()> when_pinned;
};

struct RestoreShardsCall {
  struct Shard {
    ShardId from = 0;  // its number in the backup
    ShardSpec to;      // new number, new incarnation
  };
  std::string backup;
  std::string collection;  // its name in the backup
  std::vector<Shard> shards;
};

// Backups of the node that shares this process, in a directory that the configuration names. Names
// of backups come from callers and were checked (coordinator/admin/backup); paths never do.
//
// Codes: ALREADY_EXISTS BACKUP_EXISTS; NOT_FOUND BACKUP_NOT_FOUND; ABORTED BACKUP_IN_PROGRESS (one
// job at a time, Remove too); DATA_LOSS CORRUPTION naming the files; FAILED_PRECONDITION
// FORMAT_VERSION, STORAGE or DIRECTORY_IN_USE; RESOURCE_EXHAUSTED DISK_FULL; CANCELLED.
// Threads: any; every call may block for long.
class LocalBackups {
 public:
  virtual ~LocalBackups() = default;

  // All or nothing: a backup is there once it is complete, and what was copied for one that failed
  // is removed, by the next change of the store at the latest.
  virtual absl::StatusOr<Backup> Create(const CreateBackupCall& call, BackupJob& job) = 0;
  virtual absl::StatusOr<std::vector<ListedBackup>> List() = 0;  // by time, the oldest first
  virtual absl::StatusOr<Backup> Read(const std::string& name) = 0;
  // Reads every byte. The error names what is missing or wrong.
  virtual absl::Status Verify(const std::string& name, BackupJob& job) = 0;
  virtual absl::Status Remove(const std::string& name) = 0;
  // Makes the shards serve; each byte is checked on its way. Where it fails, shards that were made
  // before are still there: drop all of them.
  virtual absl::Status Restore(const RestoreShardsCall& call, BackupJob& job) = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_LOCAL_BACKUPS_H_
