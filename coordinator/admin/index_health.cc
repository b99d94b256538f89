#include "coordinator/admin/index_health.h"

#include <algorithm>

#include "coordinator/admin/index_versions.h"

namespace kith::coordinator {
namespace {

double Ratio(uint64_t part, uint64_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
}

// Rows of one version, added up over shards.
struct RowSums {
  uint64_t listed = 0;
  uint64_t large = 0;
  uint64_t outside = 0;
  uint64_t dead = 0;

  void Add(const IndexState& index) {
    listed += index.list_rows;
    large += index.large_list_rows;
    outside += index.out_of_range_rows;
    dead += index.dead_rows;
  }
  void Fill(IndexHealth& health) const {
    health.drift_ratio = Ratio(outside, listed + outside);
    health.large_lists_ratio = Ratio(large, listed);
    health.dead_ratio = Ratio(dead, listed + outside);
  }
};

double ImbalanceOf(const IndexState& index) {
  return Ratio(index.list_rows_max * index.lists, index.list_rows);
}

}  // namespace

IndexHealth HealthOfShard(const IndexState& index) {
  RowSums sums;
  sums.Add(index);
  IndexHealth health;
  sums.Fill(health);
  health.imbalance_ratio = ImbalanceOf(index);
  return health;
}

IndexHealth HealthOf(const IndexVersionRecord& version, const std::vector<ShardSurvey>& surveys) {
  RowSums sums;
  IndexHealth health;
  uint64_t points = 0;
  bool all_answered = true;
  for (const ShardSurvey& survey : surveys) {
    if (survey.stat.ok()) {
      points += survey.stat->live_points;
    } else {
      all_answered = false;
    }
    const IndexState* index = FindIndex(survey, version.version);
    if (index == nullptr) continue;
    sums.Add(*index);
    health.imbalance_ratio = std::max(health.imbalance_ratio, ImbalanceOf(*index));
  }
  sums.Fill(health);
  if (all_answered && version.trained_points != 0) {
    health.growth_ratio = Ratio(points, version.trained_points) - 1;
  }
  return health;
}

std::optional<CollectionHealth> HealthOfCollection(const CollectionRecord& record,
                                                   const std::vector<ShardSurvey>& surveys) {
  const IndexVersionRecord* serving = FindVersion(record, record.serving_version);
  if (serving == nullptr) return std::nullopt;
  CollectionHealth found{record.name, HealthOf(*serving, surveys), {}};
  for (const ShardSurvey& survey : surveys) {
    const IndexState* index = FindIndex(survey, serving->version);
    if (index != nullptr) found.shards.emplace_back(survey.placement.shard, HealthOfShard(*index));
  }
  return found;
}

}  // namespace kith::coordinator
