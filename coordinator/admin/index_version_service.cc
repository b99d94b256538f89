#include "coordinator/admin/index_version_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/index_versions.h"
#include "coordinator/admin/promotion.h"

namespace kith::coordinator {
namespace {

using Surveys = std::vector<ShardSurvey>;

IndexVersionState StateOf(const CollectionRecord& record, const std::string& version) {
  if (version == record.serving_version) return IndexVersionState::kServing;
  return version == record.previous_version ? IndexVersionState::kPrevious
                                            : IndexVersionState::kWaiting;
}

IndexVersionShard ShardOf(const ShardSurvey& survey, const std::string& version) {
  IndexVersionShard shard;
  shard.placement = survey.placement;
  shard.not_ready_reason = WhyNotReady(survey, version);
  if (const IndexState* index = FindIndex(survey, version); index != nullptr) {
    shard.indexed_rows = index->indexed_rows;
    shard.total_rows = index->total_rows;
    shard.health = HealthOfShard(*index);
  }
  return shard;
}

IndexVersionViews ViewsOf(const CollectionRecord& record, const Surveys& surveys) {
  IndexVersionViews views;
  for (const IndexVersionRecord& version : record.versions) {
    IndexVersionView& view = views.emplace_back();
    view.record = version;
    view.state = StateOf(record, version.version);
    view.target_recall = record.target_recall;
    view.at_target = MeasureAtTarget(version, record.target_recall);
    view.health = HealthOf(version, surveys);
    for (const ShardSurvey& survey : surveys) {
      view.shards.push_back(ShardOf(survey, version.version));
    }
  }
  std::stable_sort(views.begin(), views.end(), [](const auto& a, const auto& b) {
    return static_cast<int>(a.state) < static_cast<int>(b.state);
  });
  return views;
}

absl::Status CheckActive(const CollectionRecord& record) {
  if (record.state == CollectionRecord::State::kActive) return absl::OkStatus();
  return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
               fmt::format("collection {} is being dropped", record.name));
}

absl::StatusOr<std::string> VersionToPromote(const CollectionRecord& record,
                                             const std::string& version) {
  if (!version.empty()) return version;
  const std::vector<std::string> waiting = WaitingVersions(record);
  if (waiting.size() == 1) return waiting.front();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotFound,
               fmt::format("{} index versions of collection {} wait: name the one to promote{}",
                           waiting.size(), record.name, waiting.empty() ? ", or train one" : ""));
}

}  // namespace

absl::StatusOr<CollectionRecord> IndexVersionService::Change(const CollectionRecord& known,
                                                             const Catalog::Change& change,
                                                             const Surveys& surveys) {
  KITH_ASSIGN_OR_RETURN(CollectionRecord record,
                        catalog_.Modify(known, [&](CollectionRecord& current) {
                          KITH_RETURN_IF_ERROR(CheckActive(current));
                          return change(current);
                        }));
  // A training may be making just the version that goes: what it leaves is dropped when it ends.
  if (!operations_.Running(record.name)) DropUnheldVersions(catalog_, record, surveys);
  return record;
}

absl::StatusOr<IndexVersionViews> IndexVersionService::List(const std::string& collection,
                                                            Deadline until) {
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(collection));
  SurveyPass pass{until, {}};
  return ViewsOf(entry->record, SurveyShards(catalog_, entry->record, pass));
}

absl::StatusOr<IndexVersionViews> IndexVersionService::Promote(const std::string& collection,
                                                               const std::string& version,
                                                               Deadline until) {
  const std::string name = catalog_.context().map->Resolve(collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  KITH_ASSIGN_OR_RETURN(const std::string chosen, VersionToPromote(entry->record, version));
  if (FindVersion(entry->record, chosen) == nullptr) {
    CollectionRecord record = entry->record;
    return ServeVersion(record, chosen);  // says what is wrong with it
  }
  SurveyPass pass{until, {}};
  const Surveys surveys = SurveyShards(catalog_, entry->record, pass);
  KITH_RETURN_IF_ERROR(CheckReady(surveys, chosen));
  KITH_ASSIGN_OR_RETURN(
      const CollectionRecord record,
      Change(
          entry->record, [&](CollectionRecord& current) { return ServeVersion(current, chosen); },
          surveys));
  spdlog::info("event=index_promoted collection={} version={} previous={}", name, chosen,
               record.previous_version);
  return ViewsOf(record, surveys);
}

absl::StatusOr<IndexVersionViews> IndexVersionService::Rollback(const std::string& collection,
                                                                Deadline until) {
  const std::string name = catalog_.context().map->Resolve(collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  const std::string from = entry->record.serving_version;
  CollectionRecord wanted = entry->record;
  KITH_RETURN_IF_ERROR(RollBackVersion(wanted));
  SurveyPass pass{until, {}};
  const Surveys surveys = SurveyShards(catalog_, entry->record, pass);
  KITH_RETURN_IF_ERROR(CheckReady(surveys, wanted.serving_version));
  const auto change = [&](CollectionRecord& current) {
    // A training may have promoted meanwhile: then nobody asked for this any more.
    if (current.serving_version != from) {
      return Error(absl::StatusCode::kAborted, reason::kVersionMismatch,
                   fmt::format("index version {} was promoted meanwhile: look, and decide again",
                               current.serving_version));
    }
    return RollBackVersion(current);
  };
  KITH_ASSIGN_OR_RETURN(const CollectionRecord record, Change(entry->record, change, surveys));
  spdlog::info("event=index_rolled_back collection={} version={} from={}", name,
               record.serving_version, from);
  return ViewsOf(record, surveys);
}

absl::StatusOr<IndexVersionViews> IndexVersionService::Drop(const std::string& collection,
                                                            const std::string& version,
                                                            Deadline until) {
  const std::string name = catalog_.context().map->Resolve(collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  SurveyPass pass{until, {}};
  const Surveys surveys = SurveyShards(catalog_, entry->record, pass);
  KITH_ASSIGN_OR_RETURN(
      const CollectionRecord record,
      Change(
          entry->record, [&](CollectionRecord& current) { return ForgetVersion(current, version); },
          surveys));
  return ViewsOf(record, surveys);
}

}  // namespace kith::coordinator
