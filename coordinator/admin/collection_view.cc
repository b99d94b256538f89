#include "coordinator/admin/collection_view.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/index_versions.h"
#include "coordinator/search/recall_curve.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

constexpr double kDriftShareMax = 0.01;  // rows outside the ranges the version was trained for

void Worsen(CollectionView& view, CollectionStatus status, std::string reason) {
  view.status = std::max(view.status, status);
  view.reasons.push_back(std::move(reason));
}

std::string WhyUnreachable(const ShardSurvey& survey) {
  const absl::Status& status = survey.stat.status();
  if (absl::IsNotFound(status)) {
    return fmt::format(
        "shard {} is missing on node {}: the node runs on another or an emptied data directory",
        survey.placement.shard, survey.placement.node);
  }
  return std::string(AtShard(status, survey.placement).message());
}

uint64_t LastKnownPoints(const CollectionEntry& entry, ShardId shard) {
  for (const auto& route : entry.routes) {
    if (route->shard == shard) return route->live_points.load(std::memory_order_relaxed);
  }
  return 0;
}

void AddMemory(const MemoryByPart& part, MemoryByPart& sum) {
  sum.codes += part.codes;
  sum.refine += part.refine;
  sum.quantizer += part.quantizer;
  sum.rows += part.rows;
  sum.tombstones += part.tombstones;
  sum.payload_index += part.payload_index;
}

// What the serving version leaves out of one shard; sets the points it covers.
void AddIndex(const ShardSurvey& survey, CollectionView& view) {
  const ShardStat& stat = *survey.stat;
  const IndexState* index = FindIndex(survey, view.record.serving_version);
  if (index == nullptr || !index->ready) {
    Worsen(view, CollectionStatus::kRed,
           fmt::format("shard {} on node {} does not have index version {} ready",
                       survey.placement.shard, survey.placement.node, view.record.serving_version));
    return;
  }
  const uint64_t tail = index->total_rows - std::min(index->total_rows, index->indexed_rows);
  view.indexed_points += stat.live_points - std::min(stat.live_points, tail);
  const double limit = std::max(static_cast<double>(limits::kTailRowsMin),
                                limits::kTailShareMax * static_cast<double>(stat.rows));
  if (static_cast<double>(tail) > limit / 2) {
    Worsen(view, CollectionStatus::kYellow,
           fmt::format("shard {} on node {}: {} new rows wait to be encoded and are compared one "
                       "by one; writes are refused above {:.0f}",
                       survey.placement.shard, survey.placement.node, tail, limit));
  }
  if (static_cast<double>(index->out_of_range_rows) >
      kDriftShareMax * static_cast<double>(index->total_rows)) {
    Worsen(view, CollectionStatus::kYellow,
           fmt::format("shard {}: {} of {} rows lie outside what the index was trained for: train "
                       "it again",
                       survey.placement.shard, index->out_of_range_rows, index->total_rows));
  }
}

void AddRecall(CollectionView& view) {
  const CollectionRecord& record = view.record;
  if (record.serving_version.empty()) return;
  const ProbeChoice choice = ChooseProbes(record, record.target_recall);
  view.is_recall_reached = choice.is_reached;
  // A small collection answers exactly whatever its index can do.
  if (choice.is_reached || view.points < index::kFlatPoints) return;
  Worsen(view, CollectionStatus::kYellow,
         fmt::format("no measured nprobe reaches recall {} (target_recall): searches that name "
                     "none probe {} lists; train with more lists or subspaces, or ask for exact",
                     record.target_recall, choice.nprobe));
}

void AddShard(const CollectionEntry& entry, const ShardSurvey& survey, CollectionView& view) {
  if (!survey.stat.ok()) {
    view.points += LastKnownPoints(entry, survey.placement.shard);
    Worsen(view, CollectionStatus::kRed, WhyUnreachable(survey));
    return;
  }
  const ShardStat& stat = *survey.stat;
  view.points += stat.live_points;
  view.disk_bytes += stat.disk_bytes;
  AddMemory(stat.memory, view.memory);
  if (!stat.ready) {
    Worsen(view, CollectionStatus::kRed,
           fmt::format("shard {} on node {} is not ready: {}", survey.placement.shard,
                       survey.placement.node, stat.not_ready_reason));
    return;
  }
  if (!stat.not_ready_reason.empty()) {
    Worsen(view, CollectionStatus::kYellow,
           fmt::format("shard {} on node {}: {}", survey.placement.shard, survey.placement.node,
                       stat.not_ready_reason));
  }
  if (!view.record.serving_version.empty()) AddIndex(survey, view);
}

}  // namespace

CollectionView ViewOf(const CollectionEntry& entry, const std::vector<ShardSurvey>& surveys) {
  CollectionView view;
  view.record = entry.record;
  for (const ShardSurvey& survey : surveys) AddShard(entry, survey, view);
  AddRecall(view);
  if (const auto health = HealthOfCollection(view.record, surveys)) view.health = health->health;
  if (view.record.serving_version.empty() && view.points > index::kFlatPoints) {
    Worsen(view, CollectionStatus::kYellow,
           fmt::format("no index: every search compares all {} points; train it (kith collection "
                       "train {})",
                       view.points, view.record.name));
  }
  return view;
}

}  // namespace kith::coordinator
