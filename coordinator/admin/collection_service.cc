#include "coordinator/admin/collection_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/admin/collection_view.h"
#include "coordinator/admin/node_memory.h"
#include "coordinator/admin/parameter_choice.h"
#include "coordinator/admin/shard_steps.h"
#include "coordinator/cluster/placement.h"
#include "coordinator/search/search_defaults.h"

namespace kith::coordinator {
namespace {

using State = CollectionRecord::State;

absl::Status NotFound(const std::string& name) {
  return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
               fmt::format("there is no collection {}", name));
}

absl::Status Taken(const CollectionRecord& record) {
  if (record.state == State::kActive) {
    return Error(
        absl::StatusCode::kAlreadyExists, reason::kCollectionExists,
        fmt::format("collection {} exists: choose another name, or delete it first", record.name));
  }
  const char* what = record.state == State::kCreating    ? "created"
                     : record.state == State::kRestoring ? "restored"
                                                         : "removed";
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
               fmt::format("a collection named {} is still being {} (all its nodes must be up for "
                           "that): try again",
                           record.name, what),
               {{kRetryAfterMsFact, "1000"}});
}

absl::StatusOr<VerifyReply> VerifyShard(const Catalog& catalog, const CollectionRecord& record,
                                        const ShardPlacement& placement, Deadline until) {
  KITH_RETURN_IF_ERROR(AtShard(StatShard(catalog, record, placement, until).status(), placement));
  KITH_ASSIGN_OR_RETURN(ShardService * service, catalog.Node(placement.node));
  const Deadline deadline = until == Deadline::max() ? catalog.context().LongDeadline() : until;
  absl::StatusOr<VerifyReply> reply = service->Verify(placement.shard, deadline);
  if (!reply.ok()) return AtShard(reply.status(), placement);
  return reply;
}

// What was asked for is recorded and not undone: reconciling may finish it.
absl::Status UnknownOutcome(const std::string& name, const absl::Status& why) {
  return Error(absl::StatusCode::kUnavailable, reason::kUnknownOutcome,
               fmt::format("collection {} may appear in a moment all the same: look for it, and "
                           "delete it if it is not wanted ({})",
                           name, std::string(why.message())));
}

absl::Status SetState(CollectionRecord& record, State from, State to) {
  // Somebody was here first: the other side of a create or drop that both finish.
  if (record.state != from && record.state != to) return NotFound(record.name);
  record.state = to;
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<CollectionRecord> CollectionService::NewRecord(const CreateCollectionCall& call) {
  const uint32_t shards = call.shards == 0 ? defaults_.shards : call.shards;
  KITH_RETURN_IF_ERROR(CheckName(call.collection));
  KITH_RETURN_IF_ERROR(CheckShape(call.dimension, call.metric, call.element_type));
  KITH_RETURN_IF_ERROR(CheckShards(shards));
  KITH_RETURN_IF_ERROR(CheckIndexChoice(call.index, call.dimension));
  KITH_RETURN_IF_ERROR(CheckExpected(call.index, shards));
  KITH_RETURN_IF_ERROR(CheckSchema(call.payload_fields));
  KITH_RETURN_IF_ERROR(CheckDescription(call.description));
  std::vector<std::string> nodes;
  for (const auto& [name, service] : catalog_.context().nodes) nodes.push_back(name);
  if (nodes.empty()) {
    return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
                 "the configuration names no shard node");
  }
  CollectionRecord record;
  record.name = call.collection;
  record.incarnation = Uuid::Random();
  record.dimension = call.dimension;
  record.metric = call.metric;
  record.element_type = call.element_type;
  record.lists = call.index.lists;
  record.subspaces = call.index.subspaces;
  record.plane_b_bytes = call.index.plane_b_bytes;
  record.expected_points = call.index.expected_points;
  record.payload_fields = call.payload_fields;
  record.description = call.description;
  record.target_recall =
      call.index.target_recall == 0 ? kTargetRecallDefault : call.index.target_recall;
  record.shards = PlaceShards(0, shards, nodes);
  record.created_unix_ms = catalog_.context().clock->UnixMs();
  return record;
}

absl::Status CollectionService::CheckRoom(const std::string& name) {
  KITH_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> records, catalog_.meta().List());
  for (const CollectionRecord& record : records) {
    if (record.name == name) return Taken(record);
  }
  KITH_ASSIGN_OR_RETURN(const Aliases aliases, catalog_.meta().ListAliases());
  if (aliases.contains(name)) {
    return Error(
        absl::StatusCode::kAlreadyExists, reason::kAliasExists,
        fmt::format("{} is an alias: choose another name, or delete the alias first", name));
  }
  if (records.size() < limits::kCollectionsMax) return absl::OkStatus();
  return Error(absl::StatusCode::kResourceExhausted, reason::kCollectionLimit,
               fmt::format("there are {} collections already, the most a cluster may have: delete "
                           "one first",
                           records.size()));
}

// Only where the creator said how many points there will be.
absl::Status CollectionService::CheckMemory(const CollectionRecord& record, Deadline until) const {
  if (record.expected_points == 0 || defaults_.memory_limit_bytes == 0) return absl::OkStatus();
  SurveyPass pass{until, {}};
  const NodeMemory memory = MemoryBeside(catalog_, record.name, defaults_.memory_limit_bytes, pass);
  return CheckExpectedPoints(record, SharesOf(record, {}, record.expected_points, memory));
}

absl::StatusOr<CollectionView> CollectionService::Create(const CreateCollectionCall& call,
                                                         Deadline until) {
  KITH_ASSIGN_OR_RETURN(CollectionRecord record, NewRecord(call));
  std::lock_guard one_at_a_time(create_mutex_);  // or two of them could pass the limit together
  const Catalog::NameLock lock = catalog_.Lock(record.name);
  KITH_RETURN_IF_ERROR(CheckRoom(record.name));
  KITH_RETURN_IF_ERROR(CheckMemory(record, until));
  if (call.mode == CreateMode::kValidateOnly) {
    CollectionView view;
    view.record = std::move(record);
    return view;
  }
  // Before anything is written: a node that is down leaves nothing to roll back.
  KITH_RETURN_IF_ERROR(CheckNodes(catalog_, record, until));
  KITH_ASSIGN_OR_RETURN(record, CreateOnShards(std::move(record), until));
  spdlog::info("event=collection_created collection={} incarnation={} dimension={} shards={}",
               record.name, record.incarnation.ToString(), record.dimension, record.shards.size());
  CollectionView view;
  view.record = std::move(record);
  return view;
}

absl::StatusOr<CollectionRecord> CollectionService::CreateOnShards(CollectionRecord record,
                                                                   Deadline until) {
  KITH_ASSIGN_OR_RETURN(const ShardId first, catalog_.meta().ReserveShardIds(
                                                 static_cast<uint32_t>(record.shards.size())));
  for (size_t i = 0; i < record.shards.size(); ++i) record.shards[i].shard = first + i;
  KITH_ASSIGN_OR_RETURN(record, catalog_.Create(std::move(record)));
  const absl::Status created = CreateShards(catalog_, record, until);
  if (!created.ok()) {
    spdlog::warn("event=collection_rolled_back collection={} error={}", record.name,
                 telemetry::LogValue(created.ToString()));
    return RollBack(record, created);
  }
  const auto active = catalog_.Modify(record, [](CollectionRecord& current) {
    return SetState(current, State::kCreating, State::kActive);
  });
  if (active.ok() || absl::IsNotFound(active.status())) return active;
  return UnknownOutcome(record.name, active.status());
}

absl::Status CollectionService::RollBack(const CollectionRecord& record, const absl::Status& why) {
  const absl::Status dropped = Drop(record, nullptr, Deadline::max());
  if (dropped.ok()) return why;
  spdlog::warn("event=collection_drop_postponed collection={} error={}", record.name,
               telemetry::LogValue(dropped.ToString()));
  // Only what is marked as being dropped will go; what still is being created will be finished.
  const auto left = catalog_.meta().Get(record.name);
  const bool goes = left.ok()
                        ? left->incarnation != record.incarnation || left->state == State::kDropping
                        : absl::IsNotFound(left.status());
  return goes ? why : UnknownOutcome(record.name, why);
}

absl::Status CollectionService::Drop(const CollectionRecord& record, const Catalog::Change& check,
                                     Deadline until) {
  KITH_ASSIGN_OR_RETURN(const CollectionRecord dropping,
                        catalog_.Modify(record, [&](CollectionRecord& current) -> absl::Status {
                          if (check) KITH_RETURN_IF_ERROR(check(current));
                          current.state = State::kDropping;
                          return absl::OkStatus();
                        }));
  KITH_RETURN_IF_ERROR(DropShards(catalog_, dropping, until));
  return catalog_.Delete(dropping);
}

absl::StatusOr<CollectionView> CollectionService::Get(const std::string& collection,
                                                      Deadline until) {
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(collection));
  SurveyPass pass{until, {}};
  CollectionView view = ViewOf(*entry, SurveyShards(catalog_, entry->record, pass));
  view.aliases = catalog_.context().map->AliasesOf(view.record.name);
  return view;
}

absl::StatusOr<std::vector<CollectionView>> CollectionService::List(Deadline until) {
  std::vector<CollectionView> views;
  SurveyPass pass{until, {}};
  for (const auto& entry : catalog_.context().map->List()) {
    views.push_back(ViewOf(*entry, SurveyShards(catalog_, entry->record, pass)));
    views.back().aliases = catalog_.context().map->AliasesOf(entry->record.name);
  }
  return views;
}

absl::StatusOr<std::vector<ShardVerification>> CollectionService::Verify(
    const std::string& collection, Deadline until) {
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(collection));
  const CollectionRecord& record = entry->record;
  std::vector<ShardVerification> verifications;
  for (const ShardPlacement& placement : record.shards) {
    verifications.push_back({placement, VerifyShard(catalog_, record, placement, until)});
  }
  return verifications;
}

// Asked before anything ends, and once more where the record changes.
absl::Status CollectionService::CheckDeletable(const CollectionRecord& record,
                                               const std::string& etag) {
  KITH_RETURN_IF_ERROR(CheckEtag(record, etag));
  KITH_ASSIGN_OR_RETURN(const Aliases aliases, catalog_.meta().ListAliases());
  for (const auto& [alias, collection] : aliases) {
    if (collection != record.name) continue;
    return Error(absl::StatusCode::kFailedPrecondition, reason::kCollectionHasAliases,
                 fmt::format("alias {} names collection {}: move or delete the alias first", alias,
                             record.name),
                 {{"alias", alias}});
  }
  return absl::OkStatus();
}

absl::Status CollectionService::Delete(const std::string& collection, Deadline until,
                                       const std::string& etag) {
  if (const std::string named = catalog_.context().map->Resolve(collection); named != collection) {
    return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                 fmt::format("{} is an alias of collection {}: a collection is deleted under its "
                             "own name",
                             collection, named));
  }
  const Catalog::NameLock lock = catalog_.Lock(collection);
  KITH_ASSIGN_OR_RETURN(const CollectionRecord record, catalog_.meta().Get(collection));
  KITH_RETURN_IF_ERROR(CheckDeletable(record, etag));
  // One that will not stop in time finds the record gone when it wants to change it.
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(
      catalog_.context().CallDeadline(until) - catalog_.context().clock->Now());
  if (!operations_.Drain(collection, patience)) {
    spdlog::warn("event=collection_delete_does_not_wait collection={}", collection);
  }
  const auto check = [&](CollectionRecord& current) { return CheckDeletable(current, etag); };
  const absl::Status dropped = Drop(record, check, until);
  if (dropped.ok()) {
    spdlog::info("event=collection_deleted collection={} incarnation={}", record.name,
                 record.incarnation.ToString());
    return dropped;
  }
  const auto left = catalog_.meta().Get(collection);
  if (!left.ok() || left->state != State::kDropping) return dropped;
  spdlog::warn("event=collection_drop_postponed collection={} error={}", collection,
               telemetry::LogValue(dropped.ToString()));
  return absl::OkStatus();
}

}  // namespace kith::coordinator
