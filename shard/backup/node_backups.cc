#include "shard/backup/node_backups.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "common/vector/row_table.h"
#include "shard/backup/blob_check.h"
#include "shard/backup/pacer.h"
#include "shard/backup/shard_restore.h"

namespace kith::shard {
namespace {

using Access = BackupStore::Access;

constexpr uint64_t kPinsShareOfReserve = 8;  // as of deletes

absl::Status Busy() {
  return Error(absl::StatusCode::kAborted, reason::kBackupInProgress,
               "a backup, a restore or a verification runs: wait for it or cancel it");
}

absl::Status Exists(const std::string& name) {
  return Error(absl::StatusCode::kAlreadyExists, reason::kBackupExists,
               fmt::format("there is a backup {}: choose another name, or delete it first", name));
}

// Tells the job how much of `total` bytes is done, and asks it whether to go on.
class ByteProgress {
 public:
  ByteProgress(BackupJob& job, std::string stage, uint64_t total)
      : job_(job), stage_(std::move(stage)), total_(std::max<uint64_t>(1, total)) {
    job_.Report(stage_, 0);
  }
  absl::Status Took(uint64_t bytes) {
    done_ += bytes;
    // The last step, after which all is there, is not of these.
    job_.Report(stage_,
                0.99 * std::min(1.0, static_cast<double>(done_) / static_cast<double>(total_)));
    return job_.Check();
  }

 private:
  BackupJob& job_;
  const std::string stage_;
  const uint64_t total_;
  uint64_t done_ = 0;
};

uint64_t BytesOf(const std::vector<PinnedFile>& files) {
  uint64_t bytes = 0;
  for (const PinnedFile& file : files) bytes += file.bytes;
  return bytes;
}

uint64_t BytesOf(const CollectionManifest& collection) {
  uint64_t bytes = 0;
  for (const ShardManifest& shard : collection.shards) bytes += shard.facts.bytes;
  return bytes;
}

// Takes one shard's files into the store.
class ShardCopier {
 public:
  ShardCopier(BackupStore& store, ByteProgress& progress, Pacer& pacer)
      : store_(store), progress_(progress), pacer_(pacer) {}

  absl::StatusOr<ShardManifest> Copy(const PinnedShard& pinned) {
    ShardManifest shard;
    shard.facts = pinned.facts();
    for (const PinnedFile& file : pinned.files()) {
      KITH_ASSIGN_OR_RETURN(BackupFile stored, Take(pinned, file));
      stored.path = file.path;
      stored.origin = file.origin;
      shard.facts.bytes += stored.bytes;
      shard.files.push_back(std::move(stored));
    }
    return shard;
  }

 private:
  absl::StatusOr<BackupFile> Take(const PinnedShard& pinned, const PinnedFile& file) {
    if (const BackupFile* known = store_.FindOrigin(file.origin)) {
      KITH_RETURN_IF_ERROR(progress_.Took(file.bytes));
      return *known;
    }
    return store_.Add(pinned.PathOf(file), [this](uint64_t bytes) {
      pacer_.Took(bytes);
      return progress_.Took(bytes);
    });
  }

  BackupStore& store_;
  ByteProgress& progress_;
  Pacer& pacer_;
};

const CollectionManifest* FindCollection(const BackupManifest& backup, const std::string& name) {
  const auto found = std::find_if(backup.collections.begin(), backup.collections.end(),
                                  [&](const CollectionManifest& one) { return one.name == name; });
  return found == backup.collections.end() ? nullptr : &*found;
}

const ShardManifest* FindShard(const CollectionManifest& collection, ShardId shard) {
  const auto found =
      std::find_if(collection.shards.begin(), collection.shards.end(),
                   [&](const ShardManifest& one) { return one.facts.shard == shard; });
  return found == collection.shards.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<std::unique_ptr<BackupStore>> NodeBackups::OpenStore(Access access) const {
  return BackupStore::Open({options_.directory, &files_, options_.reserve_bytes}, access);
}

absl::StatusOr<Backup> NodeBackups::Create(const CreateBackupCall& call, BackupJob& job) {
  std::unique_lock one(job_mutex_, std::try_to_lock);
  if (!one.owns_lock()) return Busy();
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kChange));
  if (store->Has(call.name)) return Exists(call.name);
  KITH_RETURN_IF_ERROR(RemovePins(node_, files_));
  KITH_RETURN_IF_ERROR(CheckRoomToPin());
  const absl::StatusOr<BackupManifest> made = MakeBackup(*store, call, job);
  // Whatever became of it: what is left over may be what fills the disk.
  absl::Status tidied = RemovePins(node_, files_);
  tidied.Update(store->Sweep());
  if (!tidied.ok()) {
    spdlog::warn("event=backup_leftovers backup={} error={}", call.name,
                 telemetry::LogValue(tidied.ToString()));
  }
  KITH_RETURN_IF_ERROR(made.status());
  return SummaryOf(*made);
}

// A state that finds no room for its flush waits until there is some, and whoever pins it with it.
absl::Status NodeBackups::CheckRoomToPin() const {
  const uint64_t needed = options_.reserve_bytes / kPinsShareOfReserve;
  KITH_ASSIGN_OR_RETURN(const uint64_t free, files_.FreeBytes(node_.directory().path()));
  if (free >= needed) return absl::OkStatus();
  return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
               fmt::format("a backup begins with a checkpoint in {}, which may take {} bytes (an "
                           "eighth of storage.disk_reserve_mb); {} are free. Nothing was begun",
                           node_.directory().path(), needed, free));
}

absl::StatusOr<BackupManifest> NodeBackups::MakeBackup(BackupStore& store,
                                                       const CreateBackupCall& call,
                                                       BackupJob& job) {
  BackupManifest manifest;
  manifest.name = call.name;
  manifest.created_unix_ms = clock_.UnixMs();
  KITH_ASSIGN_OR_RETURN(const std::vector<PinnedCollection> pinned, PinAll(call, job));
  if (call.when_pinned) KITH_RETURN_IF_ERROR(call.when_pinned());
  uint64_t bytes = 0;
  for (const PinnedCollection& collection : pinned) {
    for (const PinnedShard& shard : collection.shards) bytes += BytesOf(shard.files());
  }
  ByteProgress progress(job, "copying", bytes);
  Pacer pacer(options_.bytes_per_second);
  ShardCopier copier(store, progress, pacer);
  for (const PinnedCollection& collection : pinned) {
    CollectionManifest& listed = manifest.collections.emplace_back();
    listed.name = collection.call.name;
    listed.record = collection.call.record;
    for (const PinnedShard& shard : collection.shards) {
      KITH_ASSIGN_OR_RETURN(ShardManifest copied, copier.Copy(shard));
      listed.shards.push_back(std::move(copied));
    }
  }
  manifest.added_bytes = store.added_bytes();
  KITH_RETURN_IF_ERROR(store.Commit(manifest));
  return manifest;
}

// All before anything is copied, so that the backup is of one time, as nearly as there is one.
absl::StatusOr<std::vector<NodeBackups::PinnedCollection>> NodeBackups::PinAll(
    const CreateBackupCall& call, BackupJob& job) {
  job.Report("pinning", 0);
  std::vector<PinnedCollection> pinned;
  for (const CreateBackupCall::Collection& collection : call.collections) {
    PinnedCollection& held = pinned.emplace_back(PinnedCollection{collection, {}});
    for (const CreateBackupCall::Shard& shard : collection.shards) {
      KITH_RETURN_IF_ERROR(job.Check());
      KITH_ASSIGN_OR_RETURN(PinnedShard one, PinnedShard::Pin(node_, files_, shard));
      held.shards.push_back(std::move(one));
    }
  }
  return pinned;
}

absl::StatusOr<std::vector<ListedBackup>> NodeBackups::List() {
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kRead));
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, store->Names());
  std::vector<ListedBackup> listed;
  for (const std::string& name : names) {
    const absl::StatusOr<BackupManifest> manifest = store->Read(name);
    if (absl::IsNotFound(manifest.status())) continue;  // deleted meanwhile
    if (manifest.ok()) {
      listed.push_back({name, SummaryOf(*manifest)});
    } else {
      listed.push_back({name, manifest.status()});
    }
  }
  const auto time = [](const ListedBackup& one) {
    return one.backup.ok() ? one.backup->created_unix_ms : 0;
  };
  std::stable_sort(listed.begin(), listed.end(),
                   [&](const ListedBackup& a, const ListedBackup& b) { return time(a) < time(b); });
  return listed;
}

absl::StatusOr<Backup> NodeBackups::Read(const std::string& name) {
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kRead));
  KITH_ASSIGN_OR_RETURN(const BackupManifest manifest, store->Read(name));
  return SummaryOf(manifest);
}

absl::Status NodeBackups::Verify(const std::string& name, BackupJob& job) {
  std::unique_lock one(job_mutex_, std::try_to_lock);
  if (!one.owns_lock()) return Busy();
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kRead));
  KITH_ASSIGN_OR_RETURN(const BackupManifest manifest, store->Read(name));
  ByteProgress progress(job, "reading", SummaryOf(manifest).bytes);
  Pacer pacer(options_.bytes_per_second);
  return CheckBlobs(*store, files_, manifest, [&](uint64_t bytes) {
    pacer.Took(bytes);
    return progress.Took(bytes);
  });
}

absl::Status NodeBackups::Remove(const std::string& name) {
  std::unique_lock one(job_mutex_, std::try_to_lock);
  if (!one.owns_lock()) return Busy();
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kChange));
  return store->Remove(name);
}

// The files, and the rows that are made of them.
absl::Status NodeBackups::CheckRoomFor(const CollectionManifest& collection,
                                       const RestoreShardsCall& call) const {
  uint64_t needed = BytesOf(collection) + options_.reserve_bytes;
  for (const RestoreShardsCall::Shard& shard : call.shards) {
    const ShardManifest* from = FindShard(collection, shard.from);
    if (from == nullptr) continue;
    needed += from->facts.points * RowTable::StrideFor(static_cast<uint32_t>(
                                       shard.to.dimension * ElementSize(shard.to.element_type)));
  }
  KITH_ASSIGN_OR_RETURN(const uint64_t free, files_.FreeBytes(node_.directory().path()));
  if (free >= needed) return absl::OkStatus();
  return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
               fmt::format("restoring collection {} takes {} bytes in {}, with "
                           "storage.disk_reserve_mb that stay free; {} are free. Nothing was begun",
                           collection.name, needed, node_.directory().path(), free));
}

absl::Status NodeBackups::Restore(const RestoreShardsCall& call, BackupJob& job) {
  std::unique_lock one(job_mutex_, std::try_to_lock);
  if (!one.owns_lock()) return Busy();
  KITH_ASSIGN_OR_RETURN(const auto store, OpenStore(Access::kRead));
  KITH_ASSIGN_OR_RETURN(const BackupManifest backup, store->Read(call.backup));
  const CollectionManifest* collection = FindCollection(backup, call.collection);
  if (collection == nullptr) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                 fmt::format("backup {} has no collection {}", call.backup, call.collection));
  }
  KITH_RETURN_IF_ERROR(CheckRoomFor(*collection, call));
  ByteProgress progress(job, "restoring", BytesOf(*collection));
  const RestoreSource source{node_,  files_,      *store,
                             backup, *collection, [&](uint64_t b) { return progress.Took(b); }};
  for (const RestoreShardsCall::Shard& shard : call.shards) {
    KITH_RETURN_IF_ERROR(job.Check());
    const ShardManifest* from = FindShard(*collection, shard.from);
    if (from == nullptr) {
      return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                   fmt::format("backup {} says that collection {} has a shard {}, and does not "
                               "have it",
                               call.backup, call.collection, shard.from));
    }
    KITH_RETURN_IF_ERROR(RestoreShard(source, *from, shard.to));
  }
  return absl::OkStatus();
}

}  // namespace kith::shard
