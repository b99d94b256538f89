#ifndef KITH_COORDINATOR_ADMIN_INDEX_HEALTH_H_
#define KITH_COORDINATOR_ADMIN_INDEX_HEALTH_H_

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/meta/meta_store.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/admin/shard_steps.h"

namespace kith::coordinator {

// kith.v1.IndexHealth: how far the rows have moved from what a version was trained for.
struct IndexHealth {
  double drift_ratio = 0;        // share of the indexed rows outside the version's ranges
  double imbalance_ratio = 0;    // longest list / mean list; 0 where there are no rows in lists
  double large_lists_ratio = 0;  // share of listed rows in lists longer than kLargeList means
  double dead_ratio = 0;         // share of the indexed rows that are dead
  double growth_ratio = 0;       // points now / points when trained - 1; 0 where not known
};

// One version on one shard. Pure, as the next.
IndexHealth HealthOfShard(const IndexState& index);

// Over the shards that answered: shares are of all their rows, the imbalance is the worst shard's.
// Growth is known where every shard answered.
IndexHealth HealthOf(const IndexVersionRecord& version, const std::vector<ShardSurvey>& surveys);

// The serving version of one collection by shard, as the last look found it.
struct CollectionHealth {
  std::string collection;
  IndexHealth health;
  std::vector<std::pair<ShardId, IndexHealth>> shards;  // those that answered
};

// Nothing where nothing is trained.
std::optional<CollectionHealth> HealthOfCollection(const CollectionRecord& record,
                                                   const std::vector<ShardSurvey>& surveys);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_INDEX_HEALTH_H_
