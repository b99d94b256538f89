#ifndef KITH_COORDINATOR_SEARCH_WRITE_TOKEN_H_
#define KITH_COORDINATOR_SEARCH_WRITE_TOKEN_H_

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/cluster/cluster_map.h"

namespace kith::coordinator {

// Where a write landed on one shard. A read that brings it back sees that write.
struct WriteToken {
  ShardId shard = 0;
  uint64_t epoch = 0;
  uint64_t lsn = 0;
};

// The lsn to wait for, one for each of the collection's routes (0: none): the newest token of each
// shard, by epoch and then by lsn.
// INVALID_ARGUMENT BAD_REQUEST naming `field`[i] where a token is of another collection's shard, or
// where there are more than limits::kTokensMax.
absl::StatusOr<std::vector<uint64_t>> WaitLsns(const CollectionEntry& entry,
                                               std::span<const WriteToken> tokens,
                                               std::string_view field);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_WRITE_TOKEN_H_
