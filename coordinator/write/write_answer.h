#ifndef KITH_COORDINATOR_WRITE_WRITE_ANSWER_H_
#define KITH_COORDINATOR_WRITE_WRITE_ANSWER_H_

#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/write/upsert_call.h"
#include "coordinator/write/write_batch.h"
#include "coordinator/write/write_routing.h"

// From the shards' outcomes to the caller's. Pure.
namespace kith::coordinator {

// DATA_LOSS CORRUPTION, with an unknown outcome, for a reply that does not fit its call.
void CheckReplies(const std::vector<ShardWrite>& writes, Replies<WriteReply>& replies);

// One status a point. An error where there were valid points and no shard wrote any of them:
// UNKNOWN_OUTCOME if that is what some shard said, else the first shard's.
absl::StatusOr<UpsertAnswer> FoldUpsert(const WriteBatch& batch,
                                        const std::vector<ShardWrite>& writes,
                                        const Replies<WriteReply>& replies);

// The worst error if any shard failed.
absl::StatusOr<DeleteAnswer> FoldDelete(const std::vector<ShardWrite>& writes,
                                        const Replies<WriteReply>& replies);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_WRITE_ANSWER_H_
