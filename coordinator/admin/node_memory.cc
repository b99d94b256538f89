#include "coordinator/admin/node_memory.h"

#include <algorithm>

namespace kith::coordinator {

NodeLoads LoadsOf(const std::vector<ShardSurvey>& surveys) {
  NodeLoads loads;
  for (const ShardSurvey& survey : surveys) {
    if (!survey.stat.ok()) continue;
    const MemoryByPart& memory = survey.stat->memory;
    NodeLoad& load = loads[survey.placement.node];
    load.bytes += memory.codes + memory.refine + memory.tombstones;
    load.bytes += load.shards == 0 ? memory.quantizer : 0;  // one a node
    load.points += survey.stat->live_points;
    ++load.shards;
  }
  return loads;
}

uint64_t NodeMemory::LeftOn(const std::string& node) const {
  if (limit_bytes == 0) return index::kUnlimitedBytes;
  const auto held = others.find(node);
  return limit_bytes - std::min(limit_bytes, held == others.end() ? 0 : held->second);
}

uint64_t NodeMemory::LeastLeft() const {
  uint64_t least = limit_bytes == 0 ? index::kUnlimitedBytes : limit_bytes;
  for (const auto& [node, held] : others) least = std::min(least, LeftOn(node));
  return least;
}

NodeMemory MemoryBeside(const Catalog& catalog, const std::string& collection, uint64_t limit_bytes,
                        SurveyPass& pass) {
  NodeMemory memory;
  memory.limit_bytes = limit_bytes;
  if (limit_bytes == 0) return memory;
  for (const auto& entry : catalog.context().map->List()) {
    if (entry->record.name == collection) continue;
    for (const auto& [node, load] : LoadsOf(SurveyShards(catalog, entry->record, pass))) {
      memory.others[node] += load.bytes;
    }
  }
  return memory;
}

std::vector<index::NodeShare> SharesOf(const CollectionRecord& record, const NodeLoads& loads,
                                       uint64_t points, const NodeMemory& memory) {
  std::map<std::string, uint64_t> shards;
  for (const ShardPlacement& placement : record.shards) ++shards[placement.node];
  uint64_t present = 0;
  for (const auto& [node, load] : loads) present += load.points;
  std::vector<index::NodeShare> shares;
  for (const auto& [node, count] : shards) {
    const auto load = loads.find(node);
    const double part =
        present != 0 && load != loads.end()
            ? static_cast<double>(load->second.points) / static_cast<double>(present)
            : static_cast<double>(count) / static_cast<double>(record.shards.size());
    shares.push_back({static_cast<uint64_t>(part * static_cast<double>(points)), count,
                      memory.LeftOn(node), node == record.shards.front().node});
  }
  return shares;
}

}  // namespace kith::coordinator
