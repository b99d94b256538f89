#include "coordinator/admin/index_versions.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::coordinator {
namespace {

absl::Status NoSuchVersion(const CollectionRecord& record, const std::string& version) {
  return Error(absl::StatusCode::kNotFound, reason::kIndexVersionNotFound,
               fmt::format("collection {} has no index version \"{}\": list them with kith index "
                           "list {}",
                           record.name, version, record.name));
}

// The fields that searches read follow the version that serves.
void CopyServing(CollectionRecord& record, const IndexVersionRecord& version) {
  record.serving_version = version.version;
  record.trained_lists = version.lists;
  record.trained_subspaces = version.subspaces;
  record.trained_plane_b_bytes = version.plane_b_bytes;
  record.target_recall = version.target_recall;
  record.recall = version.recall;
}

void Erase(CollectionRecord& record, const std::string& version) {
  std::erase_if(record.versions,
                [&](const IndexVersionRecord& held) { return held.version == version; });
}

bool Waits(const CollectionRecord& record, const IndexVersionRecord& version) {
  return version.version != record.serving_version && version.version != record.previous_version;
}

}  // namespace

const IndexVersionRecord* FindVersion(const CollectionRecord& record, const std::string& version) {
  const auto found =
      std::find_if(record.versions.begin(), record.versions.end(),
                   [&](const IndexVersionRecord& held) { return held.version == version; });
  return found == record.versions.end() ? nullptr : &*found;
}

std::vector<std::string> WaitingVersions(const CollectionRecord& record) {
  std::vector<std::string> waiting;
  for (const IndexVersionRecord& version : record.versions) {
    if (Waits(record, version)) waiting.push_back(version.version);
  }
  return waiting;
}

void HoldVersion(CollectionRecord& record, IndexVersionRecord version) {
  std::erase_if(record.versions, [&](const IndexVersionRecord& held) {
    return held.version == version.version || Waits(record, held);
  });
  if (version.version == record.serving_version) CopyServing(record, version);
  record.versions.push_back(std::move(version));
}

absl::Status ServeVersion(CollectionRecord& record, const std::string& version) {
  const IndexVersionRecord* found = FindVersion(record, version);
  if (found == nullptr) return NoSuchVersion(record, version);
  if (record.serving_version == version) return absl::OkStatus();
  const std::string second_last = record.previous_version;
  record.previous_version = record.serving_version;
  CopyServing(record, *found);
  if (second_last != version) Erase(record, second_last);
  return absl::OkStatus();
}

absl::Status RollBackVersion(CollectionRecord& record) {
  const IndexVersionRecord* found = FindVersion(record, record.previous_version);
  if (record.previous_version.empty() || found == nullptr) {
    return Error(
        absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotFound,
        fmt::format("collection {} holds no index version that served before {}: promote "
                    "one by name, or train again",
                    record.name, record.serving_version.empty() ? "this" : record.serving_version));
  }
  CopyServing(record, *found);
  record.previous_version.clear();
  return absl::OkStatus();
}

absl::Status ForgetVersion(CollectionRecord& record, const std::string& version) {
  if (FindVersion(record, version) == nullptr) return NoSuchVersion(record, version);
  if (version == record.serving_version) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kIndexVersionServing,
                 fmt::format("index version {} serves collection {}: promote another one, or roll "
                             "back, before it is dropped",
                             version, record.name));
  }
  Erase(record, version);
  if (record.previous_version == version) record.previous_version.clear();
  return absl::OkStatus();
}

const IndexState* FindIndex(const ShardSurvey& survey, const std::string& version) {
  if (!survey.stat.ok()) return nullptr;
  for (const IndexState& index : survey.stat->indexes) {
    if (index.version == version) return &index;
  }
  return nullptr;
}

std::string WhyNotReady(const ShardSurvey& survey, const std::string& version) {
  if (!survey.stat.ok()) {
    return std::string(AtShard(survey.stat.status(), survey.placement).message());
  }
  const auto named = [&](std::string why) {
    return fmt::format("shard {} on node {} {}", survey.placement.shard, survey.placement.node,
                       why);
  };
  if (!survey.stat->ready) return named("is not ready: " + survey.stat->not_ready_reason);
  const IndexState* index = FindIndex(survey, version);
  if (index == nullptr) return named(fmt::format("does not hold index version {}", version));
  if (index->ready) return "";
  return named(fmt::format("has encoded {} of {} rows under index version {}", index->indexed_rows,
                           index->total_rows, version));
}

absl::Status CheckReady(const std::vector<ShardSurvey>& surveys, const std::string& version) {
  for (const ShardSurvey& survey : surveys) {
    const std::string why = WhyNotReady(survey, version);
    if (why.empty()) continue;
    return Error(
        absl::StatusCode::kFailedPrecondition, reason::kIndexVersionNotReady,
        fmt::format("{}; a version serves when every shard has it ready: try again then", why),
        {{"shard", fmt::format("{}", survey.placement.shard)}, {"node", survey.placement.node}});
  }
  return absl::OkStatus();
}

bool HasUnheldVersions(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys) {
  for (const ShardSurvey& survey : surveys) {
    if (!survey.stat.ok()) continue;
    for (const IndexState& index : survey.stat->indexes) {
      if (FindVersion(record, index.version) == nullptr) return true;
    }
  }
  return false;
}

void DropUnheldVersions(const Catalog& catalog, const CollectionRecord& record,
                        const std::vector<ShardSurvey>& surveys) {
  for (const ShardSurvey& survey : surveys) {
    const auto service = catalog.Node(survey.placement.node);
    if (!survey.stat.ok() || !service.ok()) continue;
    for (const IndexState& index : survey.stat->indexes) {
      if (FindVersion(record, index.version) != nullptr) continue;
      const absl::Status dropped = (*service)->DropIndex(survey.placement.shard, index.version,
                                                         catalog.context().CallDeadline());
      spdlog::info("event=index_dropped collection={} shard={} version={} status={}", record.name,
                   survey.placement.shard, index.version, telemetry::LogValue(dropped.ToString()));
    }
  }
}

}  // namespace kith::coordinator
