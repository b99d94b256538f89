#include "coordinator/cluster/placement.h"

#include "common/base/limits.h"

namespace kith::coordinator {

std::vector<ShardPlacement> PlaceShards(ShardId first, uint32_t shards,
                                        const std::vector<std::string>& nodes) {
  std::vector<ShardPlacement> placements;
  for (uint32_t i = 0; i < shards; ++i) {
    const uint32_t begin = limits::kSlots * i / shards;
    const uint32_t end = limits::kSlots * (i + 1) / shards;
    placements.push_back({first + i, nodes[i % nodes.size()], {{begin, end}}});
  }
  return placements;
}

}  // namespace kith::coordinator
