#ifndef KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_

#include "absl/status/status.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/node_memory.h"
#include "coordinator/admin/training/training_plan.h"

namespace kith::coordinator {

// RESOURCE_EXHAUSTED MEMORY_LIMIT with the figures where a node that holds what its shards say they
// hold cannot also train (the first shard's node) or keep a second version of its codes. Pure.
absl::Status CheckTrainingMemory(const CollectionRecord& record, const TrainingPlan& plan,
                                 const NodeLoads& loads, const NodeMemory& memory);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_MEMORY_CHECK_H_
