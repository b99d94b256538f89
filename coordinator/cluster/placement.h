#ifndef KITH_COORDINATOR_CLUSTER_PLACEMENT_H_
#define KITH_COORDINATOR_CLUSTER_PLACEMENT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "common/meta/meta_store.h"

namespace kith::coordinator {

// `shards` shards (1 to limits::kSlots) with ids from `first` on: the slots are split into equal
// runs, and shard i goes to node i modulo their number. `nodes` must not be empty.
std::vector<ShardPlacement> PlaceShards(ShardId first, uint32_t shards,
                                        const std::vector<std::string>& nodes);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_CLUSTER_PLACEMENT_H_
