#ifndef KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/shard_steps.h"
#include "coordinator/admin/training/training_plan.h"

namespace kith::coordinator {

// RESOURCE_EXHAUSTED MEMORY_LIMIT with both figures where a node that holds what its shards say
// they hold cannot also train (the first shard's node) or keep a second version of its codes.
// `limit_bytes` is of one node, without the row pages that the page cache may give back. Pure.
absl::Status CheckTrainingMemory(const CollectionRecord& record, const TrainingPlan& plan,
                                 const std::vector<ShardSurvey>& surveys, uint64_t limit_bytes);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_
