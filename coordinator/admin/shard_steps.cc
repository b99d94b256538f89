#include "coordinator/admin/shard_steps.h"

#include <fmt/format.h>

#include <set>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr ShardId kNoShard = 0;  // ids start at 1: asking for it tells only whether a node answers

bool NodeAnswered(const absl::Status& status) {
  return !absl::IsUnavailable(status) && !absl::IsDeadlineExceeded(status);
}

absl::Status WrongIncarnation(const CollectionRecord& record, const Uuid& found) {
  return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
               fmt::format("the directory holds incarnation {} of another collection, expected {}",
                           found.ToString(), record.incarnation.ToString()));
}

}  // namespace

absl::StatusOr<ShardStat> StatShard(const Catalog& catalog, const CollectionRecord& record,
                                    const ShardPlacement& placement, Deadline until) {
  KITH_ASSIGN_OR_RETURN(ShardService * service, catalog.Node(placement.node));
  KITH_ASSIGN_OR_RETURN(ShardStat stat,
                        service->Stat(placement.shard, catalog.context().StatDeadline(until)));
  if (stat.incarnation != record.incarnation) return WrongIncarnation(record, stat.incarnation);
  return stat;
}

absl::Status AtShard(const absl::Status& status, const ShardPlacement& placement) {
  if (status.ok()) return status;
  absl::Status named(status.code(), fmt::format("shard {} on node {}: {}", placement.shard,
                                                placement.node, std::string(status.message())));
  status.ForEachPayload(
      [&](absl::string_view url, const absl::Cord& value) { named.SetPayload(url, value); });
  SetFact(named, "node", placement.node);
  SetFact(named, "shard", fmt::format("{}", placement.shard));
  return named;
}

PayloadSchema FieldsForShards(const CollectionRecord& record) {
  PayloadSchema fields = record.payload_fields;
  for (PayloadField& field : fields) {
    if (!field.is_indexed()) field = {"", FieldType::kKeyword, FieldState::kFree};
  }
  return fields;
}

ShardSpec SpecOf(const CollectionRecord& record, const ShardPlacement& placement) {
  ShardSpec spec;
  spec.shard = placement.shard;
  spec.collection = record.name;
  spec.incarnation = record.incarnation;
  spec.dimension = record.dimension;
  spec.metric = record.metric;
  spec.element_type = record.element_type;
  spec.slots = placement.slots;
  for (PayloadField field : record.payload_fields) {
    if (field.state == FieldState::kBuilding) field = {"", FieldType::kKeyword, FieldState::kFree};
    if (field.state == FieldState::kDropping) field.state = FieldState::kReady;
    spec.payload_fields.push_back(std::move(field));
  }
  return spec;
}

absl::Status CreateShards(const Catalog& catalog, const CollectionRecord& record, Deadline until) {
  for (const ShardPlacement& placement : record.shards) {
    const auto service = catalog.Node(placement.node);
    if (!service.ok()) return service.status();
    const absl::Status created =
        (*service)->CreateShard(SpecOf(record, placement), catalog.context().CallDeadline(until));
    KITH_RETURN_IF_ERROR(AtShard(created, placement));
  }
  return absl::OkStatus();
}

absl::Status DropShards(const Catalog& catalog, const CollectionRecord& record, Deadline until) {
  absl::Status first;
  std::set<std::string> silent;
  for (const ShardPlacement& placement : record.shards) {
    if (silent.contains(placement.node)) continue;
    const auto service = catalog.Node(placement.node);
    const absl::Status dropped = service.ok()
                                     ? (*service)->DropShard(placement.shard, record.incarnation,
                                                             catalog.context().CallDeadline(until))
                                     : service.status();
    if (!NodeAnswered(dropped)) silent.insert(placement.node);
    if (!dropped.ok() && first.ok()) first = AtShard(dropped, placement);
  }
  return first;
}

absl::Status CheckNodes(const Catalog& catalog, const CollectionRecord& record, Deadline until) {
  std::set<std::string> asked;
  for (const ShardPlacement& placement : record.shards) {
    if (!asked.insert(placement.node).second) continue;
    const auto service = catalog.Node(placement.node);
    if (!service.ok()) return service.status();
    const auto stat = (*service)->Stat(kNoShard, catalog.context().StatDeadline(until));
    if (stat.ok() || NodeAnswered(stat.status())) continue;
    return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
                 fmt::format("node {} does not answer ({}): start it, or try again when it is back",
                             placement.node, std::string(stat.status().message())),
                 {{"node", placement.node}});
  }
  return absl::OkStatus();
}

std::vector<ShardSurvey> SurveyShards(const Catalog& catalog, const CollectionRecord& record,
                                      SurveyPass& pass) {
  std::vector<ShardSurvey> surveys;
  for (const ShardPlacement& placement : record.shards) {
    const auto known = pass.silent.find(placement.node);
    absl::StatusOr<ShardStat> stat = known != pass.silent.end()
                                         ? absl::StatusOr<ShardStat>(known->second)
                                         : StatShard(catalog, record, placement, pass.until);
    const bool loading = !stat.ok() && ReasonOf(stat.status()) == reason::kNotReady;
    if (!stat.ok() && !NodeAnswered(stat.status()) && !loading) {
      pass.silent.emplace(placement.node, stat.status());
    }
    surveys.push_back({placement, std::move(stat)});
  }
  return surveys;
}

}  // namespace kith::coordinator
