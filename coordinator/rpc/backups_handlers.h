#ifndef KITH_COORDINATOR_RPC_BACKUPS_HANDLERS_H_
#define KITH_COORDINATOR_RPC_BACKUPS_HANDLERS_H_

#include "common/rpc/unary_handler.h"
#include "coordinator/admin/backup/backup_service.h"
#include "kith/v1/backups.grpc.pb.h"

namespace kith::coordinator::rpc {

// kith.v1.Backups: convert in, call on an admin thread, convert out. Threads: any.
class BackupsHandlers final : public v1::Backups::CallbackService {
 public:
  BackupsHandlers(BackupService& backups, const kith::rpc::UnaryCalls& calls)
      : backups_(backups), calls_(calls) {}

  grpc::ServerUnaryReactor* CreateBackup(grpc::CallbackServerContext* context,
                                         const v1::CreateBackupRequest* request,
                                         v1::Operation* response) override;
  grpc::ServerUnaryReactor* ListBackups(grpc::CallbackServerContext* context,
                                        const v1::ListBackupsRequest* request,
                                        v1::ListBackupsResponse* response) override;
  grpc::ServerUnaryReactor* VerifyBackup(grpc::CallbackServerContext* context,
                                         const v1::BackupTarget* request,
                                         v1::Operation* response) override;
  grpc::ServerUnaryReactor* RestoreBackup(grpc::CallbackServerContext* context,
                                          const v1::RestoreBackupRequest* request,
                                          v1::Operation* response) override;
  grpc::ServerUnaryReactor* DeleteBackup(grpc::CallbackServerContext* context,
                                         const v1::BackupTarget* request,
                                         v1::DeleteBackupResponse* response) override;

 private:
  BackupService& backups_;
  const kith::rpc::UnaryCalls& calls_;
};

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_BACKUPS_HANDLERS_H_
