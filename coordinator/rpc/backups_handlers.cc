#include "coordinator/rpc/backups_handlers.h"

#include "common/base/status.h"
#include "coordinator/rpc/collection_messages.h"

namespace kith::coordinator::rpc {
namespace {

using kith::rpc::CallContext;

void BackupToProto(const ListedBackup& listed, v1::Backup* to) {
  to->set_backup(listed.name);
  if (!listed.backup.ok()) {
    to->set_error_reason(ReasonOf(listed.backup.status()));
    to->set_error_message(std::string(listed.backup.status().message()));
    return;
  }
  const Backup& backup = *listed.backup;
  to->set_created_unix_ms(backup.created_unix_ms);
  to->set_bytes(backup.bytes);
  to->set_added_bytes(backup.added_bytes);
  for (const BackupCollection& collection : backup.collections) {
    v1::BackupCollection* const listed_collection = to->add_collections();
    listed_collection->set_collection(collection.name);
    for (const BackupShard& shard : collection.shards) {
      v1::BackupShard* const listed_shard = listed_collection->add_shards();
      listed_shard->set_shard(shard.shard);
      listed_shard->set_points(shard.points);
      listed_shard->set_lsn(shard.lsn);
      listed_shard->set_bytes(shard.bytes);
      listed_shard->set_digest(shard.digest);
    }
  }
}

absl::Status Answer(const absl::StatusOr<Operation>& operation, v1::Operation* response) {
  if (operation.ok()) OperationToProto(*operation, response);
  return operation.status();
}

}  // namespace

grpc::ServerUnaryReactor* BackupsHandlers::CreateBackup(grpc::CallbackServerContext* context,
                                                        const v1::CreateBackupRequest* request,
                                                        v1::Operation* response) {
  return calls_.Blocking("CreateBackup", context, request, [=, this](const CallContext&) {
    BackUpCall call{request->backup(), {}};
    call.collections.assign(request->collections().begin(), request->collections().end());
    return Answer(backups_.Create(call), response);
  });
}

grpc::ServerUnaryReactor* BackupsHandlers::ListBackups(grpc::CallbackServerContext* context,
                                                       const v1::ListBackupsRequest* request,
                                                       v1::ListBackupsResponse* response) {
  return calls_.Blocking("ListBackups", context, request, [=, this](const CallContext&) {
    const auto listed = backups_.List();
    if (!listed.ok()) return listed.status();
    for (const ListedBackup& one : *listed) BackupToProto(one, response->add_backups());
    return absl::OkStatus();
  });
}

grpc::ServerUnaryReactor* BackupsHandlers::VerifyBackup(grpc::CallbackServerContext* context,
                                                        const v1::BackupTarget* request,
                                                        v1::Operation* response) {
  return calls_.Blocking("VerifyBackup", context, request, [=, this](const CallContext&) {
    return Answer(backups_.Verify(request->backup()), response);
  });
}

grpc::ServerUnaryReactor* BackupsHandlers::RestoreBackup(grpc::CallbackServerContext* context,
                                                         const v1::RestoreBackupRequest* request,
                                                         v1::Operation* response) {
  return calls_.Blocking("RestoreBackup", context, request, [=, this](const CallContext&) {
    return Answer(backups_.Restore({request->backup(), request->collection(), request->target()}),
                  response);
  });
}

grpc::ServerUnaryReactor* BackupsHandlers::DeleteBackup(grpc::CallbackServerContext* context,
                                                        const v1::BackupTarget* request,
                                                        v1::DeleteBackupResponse*) {
  return calls_.Blocking("DeleteBackup", context, request, [=, this](const CallContext&) {
    return backups_.Delete(request->backup());
  });
}

}  // namespace kith::coordinator::rpc
