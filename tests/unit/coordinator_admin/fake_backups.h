#ifndef KITH_TESTS_UNIT_COORDINATOR_ADMIN_FAKE_BACKUPS_H_
#define KITH_TESTS_UNIT_COORDINATOR_ADMIN_FAKE_BACKUPS_H_

#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/shard_api/local_backups.h"
#include "common/shard_api/shard_service.h"

namespace kith::coordinator {

// Backups in memory: a restore makes empty shards at `node`. Hooks run in the middle of a job.
// Threads: any.
class FakeBackups final : public LocalBackups {
 public:
  explicit FakeBackups(ShardService& node) : node_(node) {}

  std::function<absl::Status(BackupJob&)> in_create;   // before when_pinned
  std::function<absl::Status(BackupJob&)> in_restore;  // after the shards were made
  int creates = 0;

  absl::StatusOr<Backup> Create(const CreateBackupCall& call, BackupJob& job) override {
    ++creates;
    if (in_create) KITH_RETURN_IF_ERROR(in_create(job));
    if (call.when_pinned) KITH_RETURN_IF_ERROR(call.when_pinned());
    Backup backup;
    backup.name = call.name;
    for (const CreateBackupCall::Collection& collection : call.collections) {
      backup.collections.push_back({collection.name, collection.record, {}});
      for (const auto& shard : collection.shards) {
        backup.collections.back().shards.push_back({shard.shard, 9, 100, 1000, "d"});
      }
    }
    std::lock_guard lock(mutex_);
    return backups_[call.name] = backup;
  }
  absl::StatusOr<std::vector<ListedBackup>> List() override {
    std::lock_guard lock(mutex_);
    std::vector<ListedBackup> listed;
    for (const auto& [name, backup] : backups_) listed.push_back({name, backup});
    return listed;
  }
  absl::StatusOr<Backup> Read(const std::string& name) override {
    std::lock_guard lock(mutex_);
    const auto found = backups_.find(name);
    if (found != backups_.end()) return found->second;
    return Error(absl::StatusCode::kNotFound, reason::kBackupNotFound, "no backup " + name);
  }
  absl::Status Verify(const std::string& name, BackupJob&) override {
    if (name != "damaged") return absl::OkStatus();
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption, "state/1.sst is missing");
  }
  absl::Status Remove(const std::string& name) override {
    KITH_RETURN_IF_ERROR(Read(name).status());
    std::lock_guard lock(mutex_);
    backups_.erase(name);
    return absl::OkStatus();
  }
  absl::Status Restore(const RestoreShardsCall& call, BackupJob& job) override {
    for (const RestoreShardsCall::Shard& shard : call.shards) {
      KITH_RETURN_IF_ERROR(node_.CreateShard(shard.to, Deadline::max()));
    }
    last_restore = call;
    return in_restore ? in_restore(job) : absl::OkStatus();
  }

  RestoreShardsCall last_restore;

 private:
  ShardService& node_;
  std::mutex mutex_;
  std::map<std::string, Backup> backups_;
};

}  // namespace kith::coordinator

#endif  // KITH_TESTS_UNIT_COORDINATOR_ADMIN_FAKE_BACKUPS_H_
