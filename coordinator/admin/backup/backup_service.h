#ifndef KITH_COORDINATOR_ADMIN_BACKUP_BACKUP_SERVICE_H_
#define KITH_COORDINATOR_ADMIN_BACKUP_BACKUP_SERVICE_H_

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/executor.h"
#include "common/shard_api/local_backups.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/operations.h"

namespace kith::coordinator {

// kith.v1.CreateBackupRequest.
struct BackUpCall {
  std::string backup;
  std::vector<std::string> collections;  // empty: all
};

// kith.v1.RestoreBackupRequest.
struct RestoreBackupCall {
  std::string backup;
  std::string collection;  // its name in the backup
  std::string target;      // the name to restore it under; empty: the same
};

// Backups of a whole cluster in one process: the logic behind the RPCs of the same names. Long work
// is an operation (kinds "backup", "verify_backup", "restore") that runs on `jobs`, one at a time.
//
// Codes: FAILED_PRECONDITION BACKUPS_OFF where no directory is configured for them, or the nodes
// are other processes; INVALID_ARGUMENT BAD_REQUEST naming the field; those of LocalBackups, at
// once or in the operation; of restores those of CollectionService::BeginRestore.
// Threads: any admin thread; every call may block. Drain Operations before `jobs` is stopped.
class BackupService {
 public:
  struct Parts {
    Catalog& catalog;
    CollectionService& collections;
    Operations& operations;
    LocalBackups* backups = nullptr;  // null: there are none
  };
  BackupService(const Parts& parts, Executor& jobs) : parts_(parts), jobs_(jobs) {}

  absl::StatusOr<Operation> Create(const BackUpCall& call);
  absl::StatusOr<std::vector<ListedBackup>> List();
  absl::StatusOr<Operation> Verify(const std::string& backup);
  absl::StatusOr<Operation> Restore(const RestoreBackupCall& call);
  absl::Status Delete(const std::string& backup);

 private:
  // Answers the operation's result.
  using Work = std::function<absl::StatusOr<std::string>(RunningOperation&)>;

  absl::Status CheckOn() const;
  absl::Status CheckIdleLocked() const;
  absl::StatusOr<Operation> Start(const std::string& kind, const std::string& collection,
                                  Work work);
  absl::StatusOr<std::vector<CollectionRecord>> RecordsOf(const BackUpCall& call) const;
  absl::Status CheckUnchanged(const std::vector<CollectionRecord>& records) const;
  absl::StatusOr<std::string> RunCreate(const BackUpCall& call, RunningOperation& operation);
  absl::StatusOr<std::string> RunRestore(const RestoreBackupCall& call,
                                         const CollectionRecord& from, RunningOperation& operation);

  const Parts parts_;
  Executor& jobs_;
  std::mutex mutex_;
  std::shared_ptr<RunningOperation> last_;  // guarded by mutex_; the one that runs, if one does
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_BACKUP_BACKUP_SERVICE_H_
