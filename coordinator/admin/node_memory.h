#ifndef KITH_COORDINATOR_ADMIN_NODE_MEMORY_H_
#define KITH_COORDINATOR_ADMIN_NODE_MEMORY_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/admin/catalog.h"
#include "coordinator/admin/shard_steps.h"
#include "index/auto_parameters.h"

namespace kith::coordinator {

// What one node holds of a collection, as its shards say; pages of rows do not count.
struct NodeLoad {
  uint64_t bytes = 0;
  uint64_t points = 0;
  uint64_t shards = 0;
};
using NodeLoads = std::map<std::string, NodeLoad>;

// By node. Shards that did not answer are left out.
NodeLoads LoadsOf(const std::vector<ShardSurvey>& surveys);

// What is left on the nodes for one collection.
struct NodeMemory {
  uint64_t limit_bytes = 0;                // of one node; 0: not known
  std::map<std::string, uint64_t> others;  // that other collections hold, by node

  // kUnlimitedBytes where the limit is not known.
  uint64_t LeftOn(const std::string& node) const;
  uint64_t LeastLeft() const;  // on any node
};

// Asks every shard of every collection but `collection`. What a node that does not answer holds is
// not known and counts as nothing.
NodeMemory MemoryBeside(const Catalog& catalog, const std::string& collection, uint64_t limit_bytes,
                        SurveyPass& pass);

// What the nodes are to hold where the collection has `points` instead of what `loads` says, or
// evenly by shards where it has none; the first shard's node trains.
std::vector<index::NodeShare> SharesOf(const CollectionRecord& record, const NodeLoads& loads,
                                       uint64_t points, const NodeMemory& memory);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_NODE_MEMORY_H_
