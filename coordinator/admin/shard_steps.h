#ifndef KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_
#define KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/admin/catalog.h"

// Steps over all shards of a collection that creating, dropping, looking and reconciling share.
// Each may block on every shard in turn.
namespace kith::coordinator {

// The same code, reason and facts, with the node and shard named in the message and the facts.
absl::Status AtShard(const absl::Status& status, const ShardPlacement& placement);

ShardSpec SpecOf(const CollectionRecord& record, const ShardPlacement& placement);

// Idempotent. CreateShards stops at the first error; DropShards tries every shard and answers with
// the first error.
absl::Status CreateShards(const Catalog& catalog, const CollectionRecord& record);
absl::Status DropShards(const Catalog& catalog, const CollectionRecord& record);

// Every node of the record answers; UNAVAILABLE naming the first that does not.
absl::Status CheckNodes(const Catalog& catalog, const CollectionRecord& record);

struct ShardSurvey {
  ShardPlacement placement;
  absl::StatusOr<ShardStat> stat;  // an error also where the shard is another incarnation's
};

// One Stat of each shard, in the record's order. A node that did not answer once is not asked
// again, so that a dead one costs one deadline.
std::vector<ShardSurvey> SurveyShards(const Catalog& catalog, const CollectionRecord& record);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_
