#ifndef KITH_COORDINATOR_ADMIN_COLLECTION_VIEW_H_
#define KITH_COORDINATOR_ADMIN_COLLECTION_VIEW_H_

#include <vector>

#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/shard_steps.h"
#include "coordinator/cluster/cluster_map.h"

namespace kith::coordinator {

// Puts together what the shards said of a collection. Pure.
CollectionView ViewOf(const CollectionEntry& entry, const std::vector<ShardSurvey>& surveys);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_COLLECTION_VIEW_H_
