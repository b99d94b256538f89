#include "coordinator/admin/payload_fields.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::coordinator {
namespace {

// Of a record to change or to read: a place that is not free.
template <typename Record>
auto Find(Record& record, const std::string& name) -> decltype(record.payload_fields.data()) {
  for (auto& field : record.payload_fields) {
    if (field.state != FieldState::kFree && field.name == name) return &field;
  }
  return nullptr;
}

PayloadField& FreePlace(CollectionRecord& record) {
  for (PayloadField& field : record.payload_fields) {
    if (field.state == FieldState::kFree) return field;
  }
  return record.payload_fields.emplace_back();
}

bool FieldWaits(const PayloadField& field) {
  return field.state == FieldState::kBuilding || field.state == FieldState::kDropping;
}

// What all shards have of one place.
struct PlaceSum {
  bool all_ready = true;
  bool all_free = true;
  bool all_through = true;  // ready, or every row looked at
  uint64_t built_rows = 0;
  uint64_t total_rows = 0;
  uint64_t misfits = 0;
  std::string first_misfit;

  void Add(const ShardStat& stat, size_t place) {
    const FieldStat nothing{"", FieldType::kKeyword, FieldState::kFree, 0, 0, 0, ""};
    const FieldStat& field = place < stat.fields.size() ? stat.fields[place] : nothing;
    const bool is_ready = field.state == FieldState::kReady;
    all_ready &= is_ready;
    all_free &= field.state == FieldState::kFree;
    all_through &=
        is_ready || (field.state == FieldState::kBuilding && field.built_rows == field.total_rows);
    built_rows += is_ready ? field.total_rows : field.built_rows;
    total_rows += field.total_rows;
    if (misfits == 0) first_misfit = field.first_misfit;
    misfits += field.misfits;
  }
  double share() const {
    if (all_ready || total_rows == 0) return all_ready ? 1 : 0;
    return static_cast<double>(built_rows) / static_cast<double>(total_rows);
  }
};

absl::Status MisfitError(const PayloadField& field, const PlaceSum& sum) {
  const std::string id = sum.first_misfit.size() == PointKey::kSize
                             ? PointKeyToString(PointKey::FromBytes(sum.first_misfit.data()))
                             : "?";
  return Error(
      absl::StatusCode::kFailedPrecondition, reason::kPayloadIndexMisfit,
      fmt::format("the payloads of {} points cannot be indexed as {} in field {}, that of point {} "
                  "is one (a write of it would be refused as BAD_PAYLOAD and say why); change or "
                  "delete them, or index the field as another type; nothing is left of the index",
                  sum.misfits, NameOf(field.type), field.name, id),
      {{kFieldFact, field.name}, {"point", id}, {"points", fmt::format("{}", sum.misfits)}});
}

// Tells the shard where it knows less, and answers how it is then.
absl::StatusOr<ShardStat> BringUp(const Catalog& catalog, const CollectionRecord& record,
                                  const ShardPlacement& placement) {
  KITH_ASSIGN_OR_RETURN(ShardStat stat, StatShard(catalog, record, placement, Deadline::max()));
  if (stat.fields_revision >= record.fields_revision) return stat;
  KITH_ASSIGN_OR_RETURN(ShardService * service, catalog.Node(placement.node));
  const SetFieldsCall call{placement.shard, record.incarnation, record.fields_revision,
                           FieldsForShards(record)};
  KITH_RETURN_IF_ERROR(service->SetPayloadFields(call, catalog.context().CallDeadline()));
  return StatShard(catalog, record, placement, Deadline::max());
}

absl::StatusOr<std::vector<PlaceSum>> SumShards(const Catalog& catalog,
                                                const CollectionRecord& record) {
  std::vector<PlaceSum> sums(record.payload_fields.size());
  absl::Status first;
  for (const ShardPlacement& placement : record.shards) {
    const absl::StatusOr<ShardStat> stat = BringUp(catalog, record, placement);
    if (!stat.ok()) {
      first.Update(AtShard(stat.status(), placement));
      continue;
    }
    for (size_t i = 0; i < sums.size(); ++i) sums[i].Add(*stat, i);
  }
  KITH_RETURN_IF_ERROR(first);
  return sums;
}

// What follows for a record from what its shards have. The revision goes up where the shards are to
// do something for it.
void Advance(const std::vector<PlaceSum>& sums, CollectionRecord& record) {
  for (size_t i = 0; i < sums.size(); ++i) {
    PayloadField& field = record.payload_fields[i];
    if (field.state == FieldState::kBuilding && sums[i].all_ready) {
      field.state = FieldState::kReady;
    } else if (field.state == FieldState::kBuilding && sums[i].all_through && sums[i].misfits > 0) {
      field.state = FieldState::kDropping;
      ++record.fields_revision;
    } else if (field.state == FieldState::kDropping && sums[i].all_free) {
      field = {"", FieldType::kKeyword, FieldState::kFree};
    }
  }
  while (!record.payload_fields.empty() &&
         record.payload_fields.back().state == FieldState::kFree) {
    record.payload_fields.pop_back();
  }
}

void Log(const CollectionRecord& before, const CollectionRecord& after) {
  for (const PayloadField& field : before.payload_fields) {
    if (!FieldWaits(field)) continue;
    const PayloadField* const now = FieldNamed(after, field.name);
    if (now != nullptr && now->state == field.state) continue;
    const char* const became = now == nullptr                     ? "payload_index_gone"
                               : now->state == FieldState::kReady ? "payload_index_ready"
                                                                  : "payload_index_given_up";
    spdlog::info("event={} collection={} field={}", became, after.name,
                 telemetry::LogValue(field.name));
  }
}

}  // namespace

const PayloadField* FieldNamed(const CollectionRecord& record, const std::string& name) {
  return Find(record, name);
}

absl::Status AddField(CollectionRecord& record, const PayloadField& field) {
  if (const PayloadField* const known = Find(record, field.name); known != nullptr) {
    if (known->state == FieldState::kDropping) {
      return Error(absl::StatusCode::kAborted, reason::kOperationInProgress,
                   fmt::format("the index of field {} is still being deleted: try again when that "
                               "operation has ended",
                               field.name),
                   {{kFieldFact, "field"}});
    }
    if (known->type == field.type) return absl::OkStatus();
    return Error(absl::StatusCode::kAlreadyExists, reason::kPayloadIndexExists,
                 fmt::format("field {} is indexed as {}: delete that index first to have it as {}",
                             field.name, NameOf(known->type), NameOf(field.type)),
                 {{kFieldFact, "field"}});
  }
  if (const absl::Status bad = CheckSchema({field}); !bad.ok()) {
    const bool is_name = FactOf(bad, kFieldFact) == "payload_fields[0].name";
    return FieldError(is_name ? "field" : "type", reason::kBadRequest,
                      is_name ? fmt::format("a name is 1 to {} of a-z, A-Z, 0-9, _, - and .",
                                            limits::kFieldNameBytesMax)
                              : "name one of KEYWORD, INTEGER, DOUBLE and BOOLEAN");
  }
  FreePlace(record) = {field.name, field.type, FieldState::kBuilding};
  if (record.payload_fields.size() > limits::kPayloadFieldsMax) {
    return FieldError("field", reason::kBadRequest,
                      fmt::format("{} fields of the collection are indexed already, the most that "
                                  "can be; delete the index of one that no filter names",
                                  limits::kPayloadFieldsMax));
  }
  ++record.fields_revision;
  return absl::OkStatus();
}

absl::Status DropField(CollectionRecord& record, const std::string& name) {
  PayloadField* const known = Find(record, name);
  if (known == nullptr) {
    return Error(absl::StatusCode::kNotFound, reason::kPayloadIndexNotFound,
                 fmt::format("field {} of collection {} has no index",
                             name.substr(0, limits::kFieldNameBytesMax), record.name),
                 {{kFieldFact, "field"}});
  }
  if (known->state == FieldState::kDropping) return absl::OkStatus();
  known->state = FieldState::kDropping;
  ++record.fields_revision;
  return absl::OkStatus();
}

bool NeedsFieldStep(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys) {
  return std::any_of(record.payload_fields.begin(), record.payload_fields.end(), FieldWaits) ||
         std::any_of(surveys.begin(), surveys.end(), [&](const ShardSurvey& survey) {
           return survey.stat.ok() && survey.stat->fields_revision < record.fields_revision;
         });
}

absl::StatusOr<FieldStep> StepFields(Catalog& catalog, const CollectionRecord& record) {
  KITH_ASSIGN_OR_RETURN(const std::vector<PlaceSum> sums, SumShards(catalog, record));
  FieldStep step;
  CollectionRecord next = record;
  Advance(sums, next);
  std::map<std::string, absl::Status> misfit;
  for (size_t i = 0; i < sums.size(); ++i) {
    const PayloadField& field = record.payload_fields[i];
    if (field.state != FieldState::kBuilding) continue;
    step.built[field.name] = sums[i].share();
    const PayloadField* const now = FieldNamed(next, field.name);
    if (now->state == FieldState::kDropping) misfit[field.name] = MisfitError(field, sums[i]);
  }
  step.record = record;
  if (next.payload_fields == record.payload_fields) {
    catalog.ShowBuilt(record, step.built);
    return step;
  }
  // What the shards were asked is true of this revision alone: where a field was added or dropped
  // meanwhile, the next step sees.
  const auto change = [&](CollectionRecord& current) {
    const bool is_same = current.fields_revision == record.fields_revision &&
                         current.payload_fields == record.payload_fields;
    if (!is_same) return absl::OkStatus();
    Advance(sums, current);
    step.misfit = misfit;
    return absl::OkStatus();
  };
  KITH_ASSIGN_OR_RETURN(step.record, catalog.Modify(record, change));
  Log(record, step.record);
  return step;
}

}  // namespace kith::coordinator
