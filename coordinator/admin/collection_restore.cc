// Collections that are made of a backup: the part of CollectionService that is theirs.
#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/collection_shape.h"

namespace kith::coordinator {

using State = CollectionRecord::State;

absl::Status CollectionService::CheckFree(const std::string& collection) {
  KITH_RETURN_IF_ERROR(CheckName(collection));
  return CheckRoom(collection);
}

absl::StatusOr<CollectionRecord> CollectionService::BeginRestore(CollectionRecord record) {
  std::lock_guard one_at_a_time(create_mutex_);
  const Catalog::NameLock lock = catalog_.Lock(record.name);
  KITH_RETURN_IF_ERROR(CheckFree(record.name));
  record.incarnation = Uuid::Random();
  record.state = State::kRestoring;
  record.created_unix_ms = catalog_.context().clock->UnixMs();
  record.revision = 0;
  KITH_ASSIGN_OR_RETURN(const ShardId first, catalog_.meta().ReserveShardIds(
                                                 static_cast<uint32_t>(record.shards.size())));
  for (size_t i = 0; i < record.shards.size(); ++i) record.shards[i].shard = first + i;
  return catalog_.Create(std::move(record));
}

absl::StatusOr<CollectionRecord> CollectionService::EndRestore(const CollectionRecord& record) {
  return catalog_.Modify(record, [&](CollectionRecord& current) -> absl::Status {
    if (current.state == State::kRestoring) {
      current.state = State::kActive;
      return absl::OkStatus();
    }
    // Somebody deletes the collection: it does not come back.
    return absl::CancelledError("the collection was deleted while it was restored");
  });
}

void CollectionService::AbandonRestore(const CollectionRecord& record) {
  const absl::Status dropped = Drop(record, nullptr, Deadline::max());
  if (dropped.ok() || absl::IsNotFound(dropped)) return;
  spdlog::warn("event=collection_drop_postponed collection={} error={}", record.name,
               telemetry::LogValue(dropped.ToString()));
}

}  // namespace kith::coordinator
