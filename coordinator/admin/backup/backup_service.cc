#include "coordinator/admin/backup/backup_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/record_codec.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/admin/shard_steps.h"

namespace kith::coordinator {
namespace {

using State = CollectionRecord::State;

// A collection that changes (a training is promoted, it is dropped) while its shards are held makes
// the backup begin again.
constexpr int kAttempts = 5;

// The operation, as the node's side sees it.
class OperationJob final : public BackupJob {
 public:
  explicit OperationJob(RunningOperation& operation) : operation_(operation) {}
  void Report(const std::string& stage, double progress) override {
    operation_.Report(stage, progress);
  }
  absl::Status Check() const override { return operation_.Check(); }

 private:
  RunningOperation& operation_;
};

// Names of backups are as those of collections: safe as names of files.
absl::Status CheckBackupName(const std::string& backup) {
  if (CheckName(backup).ok()) return absl::OkStatus();
  return FieldError("backup", reason::kBadRequest,
                    fmt::format("is \"{}\", must be 1 to {} of a-z, 0-9, '_' and '-', beginning "
                                "with a letter or digit",
                                backup.substr(0, 100), limits::kCollectionNameBytesMax));
}

absl::Status Changed(const std::string& collection) {
  return Error(
      absl::StatusCode::kAborted, reason::kVersionMismatch,
      fmt::format("collection {} kept changing while the backup began: start it again when "
                  "no index version is trained, promoted or dropped",
                  collection));
}

CreateBackupCall CallOf(const BackUpCall& call, const std::vector<CollectionRecord>& records) {
  CreateBackupCall create;
  create.name = call.backup;
  for (const CollectionRecord& record : records) {
    CreateBackupCall::Collection& collection = create.collections.emplace_back();
    collection.name = record.name;
    collection.record = EncodeCollectionRecord(record);
    for (const ShardPlacement& placement : record.shards) {
      collection.shards.push_back({placement.shard, record.incarnation});
    }
  }
  return create;
}

std::string CountsOf(const Backup& backup) {
  uint64_t points = 0;
  for (const BackupCollection& collection : backup.collections) {
    for (const BackupShard& shard : collection.shards) points += shard.points;
  }
  return fmt::format("{} collections, {} points, {} bytes, of which {} are new",
                     backup.collections.size(), points, backup.bytes, backup.added_bytes);
}

}  // namespace

absl::Status BackupService::CheckOn() const {
  if (parts_.backups != nullptr) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kBackupsOff,
               "this server makes no backups: name a directory for them in its configuration "
               "(backup.directory) and start it again; role all alone has them");
}

absl::Status BackupService::CheckIdleLocked() const {
  if (last_ == nullptr) return absl::OkStatus();
  const Operation last = last_->Snapshot();
  if (last.state != OperationState::kRunning) return absl::OkStatus();
  return Error(absl::StatusCode::kAborted, reason::kBackupInProgress,
               fmt::format("operation {} ({}) runs: wait for it or cancel it", last.id, last.kind),
               {{"operation", last.id}});
}

absl::StatusOr<Operation> BackupService::Start(const std::string& kind,
                                               const std::string& collection, Work work) {
  std::lock_guard lock(mutex_);
  KITH_RETURN_IF_ERROR(CheckIdleLocked());
  KITH_ASSIGN_OR_RETURN(const auto operation, parts_.operations.Begin(kind, collection));
  last_ = operation;
  const bool posted = jobs_.Post([operation, work = std::move(work)] {
    const absl::StatusOr<std::string> result = work(*operation);
    const Operation ran = operation->Snapshot();
    spdlog::info("event=backup_job_ended operation={} kind={} status={}", ran.id, ran.kind,
                 telemetry::LogValue(result.ok() ? *result : result.status().ToString()));
    operation->Finish(result.status(), result.ok() ? *result : "");
  });
  if (posted) return operation->Snapshot();
  const absl::Status full = Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                                  "too many long operations wait already: try again later",
                                  {{kRetryAfterMsFact, "10000"}});
  operation->Finish(full, "");
  return full;
}

// Those that are ACTIVE; each that is named must be.
absl::StatusOr<std::vector<CollectionRecord>> BackupService::RecordsOf(
    const BackUpCall& call) const {
  KITH_ASSIGN_OR_RETURN(std::vector<CollectionRecord> records, parts_.catalog.meta().List());
  std::erase_if(records,
                [](const CollectionRecord& record) { return record.state != State::kActive; });
  if (call.collections.empty()) return records;
  std::vector<CollectionRecord> named;
  for (const std::string& name : call.collections) {
    const auto found = std::find_if(records.begin(), records.end(),
                                    [&](const CollectionRecord& one) { return one.name == name; });
    if (found == records.end()) {
      return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                   fmt::format("there is no collection {}", name));
    }
    named.push_back(*found);
  }
  return named;
}

absl::StatusOr<Operation> BackupService::Create(const BackUpCall& call) {
  KITH_RETURN_IF_ERROR(CheckOn());
  KITH_RETURN_IF_ERROR(CheckBackupName(call.backup));
  if (call.collections.size() > limits::kCollectionsMax) {
    return FieldError("collections", reason::kBadRequest,
                      fmt::format("names {} collections, at most {} exist", call.collections.size(),
                                  limits::kCollectionsMax));
  }
  for (const std::string& name : call.collections) {
    KITH_RETURN_IF_ERROR(CheckName(name));
    if (std::count(call.collections.begin(), call.collections.end(), name) == 1) continue;
    return FieldError("collections", reason::kBadRequest, fmt::format("names {} twice", name));
  }
  KITH_RETURN_IF_ERROR(RecordsOf(call).status());
  const absl::StatusOr<Backup> same = parts_.backups->Read(call.backup);
  if (same.ok()) {
    return Error(
        absl::StatusCode::kAlreadyExists, reason::kBackupExists,
        fmt::format("there is a backup {}: choose another name, or delete it first", call.backup));
  }
  if (!absl::IsNotFound(same.status())) return same.status();
  return Start("backup", "",
               [this, call](RunningOperation& operation) { return RunCreate(call, operation); });
}

// The records and the shards' files belong together where no record has changed between the two
// readings around the pins: a version that serves is ready on every shard from before it serves
// until after it does.
absl::StatusOr<std::string> BackupService::RunCreate(const BackUpCall& call,
                                                     RunningOperation& operation) {
  absl::Status failure;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    KITH_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> records, RecordsOf(call));
    CreateBackupCall create = CallOf(call, records);
    create.when_pinned = [&] { return CheckUnchanged(records); };
    OperationJob job(operation);
    const absl::StatusOr<Backup> made = parts_.backups->Create(create, job);
    if (made.ok()) return CountsOf(*made);
    failure = made.status();
    // Also where a shard that was to be held was dropped meanwhile.
    if (CheckUnchanged(records).ok()) return failure;
    KITH_RETURN_IF_ERROR(operation.Pause(parts_.catalog.context().timing.poll));
  }
  return failure;
}

absl::Status BackupService::CheckUnchanged(const std::vector<CollectionRecord>& records) const {
  for (const CollectionRecord& record : records) {
    const auto now = parts_.catalog.meta().Get(record.name);
    if (!now.ok() || now->revision != record.revision) return Changed(record.name);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<ListedBackup>> BackupService::List() {
  KITH_RETURN_IF_ERROR(CheckOn());
  return parts_.backups->List();
}

absl::StatusOr<Operation> BackupService::Verify(const std::string& backup) {
  KITH_RETURN_IF_ERROR(CheckOn());
  KITH_RETURN_IF_ERROR(CheckBackupName(backup));
  KITH_RETURN_IF_ERROR(parts_.backups->Read(backup).status());
  return Start("verify_backup", "",
               [this, backup](RunningOperation& operation) -> absl::StatusOr<std::string> {
                 OperationJob job(operation);
                 KITH_RETURN_IF_ERROR(parts_.backups->Verify(backup, job));
                 return fmt::format("backup {} is whole", backup);
               });
}

absl::Status BackupService::Delete(const std::string& backup) {
  KITH_RETURN_IF_ERROR(CheckOn());
  KITH_RETURN_IF_ERROR(CheckBackupName(backup));
  {
    std::lock_guard lock(mutex_);
    KITH_RETURN_IF_ERROR(CheckIdleLocked());
  }
  KITH_RETURN_IF_ERROR(parts_.backups->Remove(backup));
  spdlog::info("event=backup_deleted backup={}", backup);
  return absl::OkStatus();
}

absl::StatusOr<Operation> BackupService::Restore(const RestoreBackupCall& call) {
  KITH_RETURN_IF_ERROR(CheckOn());
  KITH_RETURN_IF_ERROR(CheckBackupName(call.backup));
  KITH_RETURN_IF_ERROR(CheckName(call.collection));
  const std::string target = call.target.empty() ? call.collection : call.target;
  KITH_RETURN_IF_ERROR(parts_.collections.CheckFree(target));
  KITH_ASSIGN_OR_RETURN(const Backup backup, parts_.backups->Read(call.backup));
  const auto found =
      std::find_if(backup.collections.begin(), backup.collections.end(),
                   [&](const BackupCollection& one) { return one.name == call.collection; });
  if (found == backup.collections.end()) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                 fmt::format("backup {} has no collection {}", call.backup, call.collection));
  }
  KITH_ASSIGN_OR_RETURN(CollectionRecord from, DecodeCollectionRecord(found->record));
  from.name = target;
  return Start("restore", target, [this, call, from](RunningOperation& operation) {
    return RunRestore(call, from, operation);
  });
}

absl::StatusOr<std::string> BackupService::RunRestore(const RestoreBackupCall& call,
                                                      const CollectionRecord& from,
                                                      RunningOperation& operation) {
  CollectionRecord record = from;
  // The backup's node may have had another name.
  for (ShardPlacement& placement : record.shards) {
    placement.node = parts_.catalog.context().nodes.begin()->first;
  }
  KITH_ASSIGN_OR_RETURN(record, parts_.collections.BeginRestore(std::move(record)));
  RestoreShardsCall restore{call.backup, call.collection, {}};
  for (size_t i = 0; i < record.shards.size(); ++i) {
    restore.shards.push_back({from.shards[i].shard, SpecOf(record, record.shards[i])});
  }
  OperationJob job(operation);
  absl::Status restored = parts_.backups->Restore(restore, job);
  if (restored.ok()) restored = operation.Check();
  if (restored.ok()) restored = parts_.collections.EndRestore(record).status();
  if (!restored.ok()) {
    parts_.collections.AbandonRestore(record);
    return restored;
  }
  spdlog::info("event=collection_restored collection={} incarnation={} backup={} from={}",
               record.name, record.incarnation.ToString(), call.backup, call.collection);
  return record.incarnation.ToString();
}

}  // namespace kith::coordinator
