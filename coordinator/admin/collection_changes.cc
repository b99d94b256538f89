// What CollectionService changes of a collection that is there: its record and its aliases.
#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <set>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/search/search_defaults.h"

namespace kith::coordinator {
namespace {

bool Takes(const UpdateCollectionCall& call, CollectionField field) {
  return std::find(call.fields.begin(), call.fields.end(), field) != call.fields.end();
}

// Searches aim at it from now on; it is the serving version's too, or a rollback and back would
// undo it.
void SetTargetRecall(CollectionRecord& record, double target_recall) {
  record.target_recall = target_recall == 0 ? kTargetRecallDefault : target_recall;
  for (IndexVersionRecord& version : record.versions) {
    if (version.version == record.serving_version) version.target_recall = record.target_recall;
  }
}

void Take(const UpdateCollectionCall& call, CollectionField field, CollectionRecord& record) {
  switch (field) {
    case CollectionField::kDescription:
      record.description = call.description;
      return;
    case CollectionField::kTargetRecall:
      return SetTargetRecall(record, call.index.target_recall);
    case CollectionField::kExpectedPoints:
      record.expected_points = call.index.expected_points;
      return;
    case CollectionField::kLists:
      record.lists = call.index.lists;
      return;
    case CollectionField::kSubspaces:
      record.subspaces = call.index.subspaces;
      return;
    case CollectionField::kPlaneBBytes:
      record.plane_b_bytes = call.index.plane_b_bytes;
      return;
  }
}

// What is not taken is not looked at.
IndexChoice TakenOf(const UpdateCollectionCall& call) {
  IndexChoice taken;
  if (Takes(call, CollectionField::kTargetRecall)) taken.target_recall = call.index.target_recall;
  if (Takes(call, CollectionField::kExpectedPoints)) {
    taken.expected_points = call.index.expected_points;
  }
  if (Takes(call, CollectionField::kLists)) taken.lists = call.index.lists;
  if (Takes(call, CollectionField::kSubspaces)) taken.subspaces = call.index.subspaces;
  if (Takes(call, CollectionField::kPlaneBBytes)) taken.plane_b_bytes = call.index.plane_b_bytes;
  return taken;
}

absl::Status CheckUpdate(const UpdateCollectionCall& call, const CollectionRecord& record) {
  if (call.fields.empty()) {
    return FieldError("update_mask", reason::kBadRequest, "names nothing to change");
  }
  if (Takes(call, CollectionField::kDescription)) {
    KITH_RETURN_IF_ERROR(CheckDescription(call.description));
  }
  const IndexChoice taken = TakenOf(call);
  KITH_RETURN_IF_ERROR(CheckIndexChoice(taken, record.dimension));
  return CheckExpected(taken, record.shards.size());
}

absl::Status CheckChanges(const std::vector<AliasChange>& changes) {
  if (changes.empty() || changes.size() > limits::kAliasChangesMax) {
    return FieldError(
        "changes", reason::kBadRequest,
        fmt::format("has {} entries, must have 1 to {}", changes.size(), limits::kAliasChangesMax));
  }
  std::set<std::string_view> seen;
  for (const AliasChange& change : changes) {
    KITH_RETURN_IF_ERROR(CheckName(change.alias, "alias"));
    if (seen.insert(change.alias).second) continue;
    return FieldError("changes", reason::kBadRequest,
                      fmt::format("name alias {} twice; say once what it is to be", change.alias));
  }
  return absl::OkStatus();
}

}  // namespace

std::string EtagOf(const CollectionRecord& record) { return fmt::format("{:x}", record.revision); }

absl::StatusOr<CollectionView> CollectionService::Update(const UpdateCollectionCall& call,
                                                         Deadline until) {
  const std::string name = catalog_.context().map->Resolve(call.collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  KITH_RETURN_IF_ERROR(CheckUpdate(call, entry->record));
  if (Takes(call, CollectionField::kExpectedPoints)) {
    CollectionRecord wanted = entry->record;
    wanted.expected_points = call.index.expected_points;
    KITH_RETURN_IF_ERROR(CheckMemory(wanted, until));
  }
  KITH_RETURN_IF_ERROR(catalog_
                           .Modify(entry->record,
                                   [&](CollectionRecord& current) -> absl::Status {
                                     KITH_RETURN_IF_ERROR(CheckEtag(current, call.etag));
                                     for (const CollectionField field : call.fields)
                                       Take(call, field, current);
                                     return absl::OkStatus();
                                   })
                           .status());
  spdlog::info("event=collection_updated collection={} fields={}", name, call.fields.size());
  return Get(name, until);
}

absl::StatusOr<Aliases> CollectionService::ChangeAliases(const std::vector<AliasChange>& changes) {
  KITH_RETURN_IF_ERROR(CheckChanges(changes));
  KITH_ASSIGN_OR_RETURN(Aliases aliases, catalog_.ChangeAliases(changes));
  for (const AliasChange& change : changes) {
    spdlog::info("event=alias_changed alias={} collection={}", change.alias, change.collection);
  }
  return aliases;
}

absl::StatusOr<Aliases> CollectionService::ListAliases() { return catalog_.meta().ListAliases(); }

}  // namespace kith::coordinator
