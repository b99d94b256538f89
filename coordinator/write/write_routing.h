#ifndef KITH_COORDINATOR_WRITE_WRITE_ROUTING_H_
#define KITH_COORDINATOR_WRITE_WRITE_ROUTING_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/write/write_batch.h"

namespace kith::coordinator {

// The operations that one shard owns, in the order of the batch.
struct ShardWrite {
  size_t route = 0;
  size_t count = 0;                  // of operations
  WriteCall call;                    // without what is the same for every shard
  std::vector<uint32_t> operations;  // in the batch; empty: all of them, in order

  size_t OperationAt(size_t i) const { return operations.empty() ? i : operations[i]; }
};

// Each operation goes to the shard of its key's slot. The buffers of the batch are used up: where
// one shard owns everything they move there untouched, else each row is copied once. Pure.
std::vector<ShardWrite> SplitByShard(WriteBatch& batch, const CollectionEntry& entry);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_WRITE_ROUTING_H_
