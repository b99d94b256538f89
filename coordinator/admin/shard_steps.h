#ifndef KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_
#define KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/admin/catalog.h"

// Steps over all shards of a collection that creating, dropping, looking and reconciling share.
// Each may block on every shard in turn, and asks nothing after `until`.
namespace kith::coordinator {

// The same code, reason and facts, with the node and shard named in the message and the facts.
absl::Status AtShard(const absl::Status& status, const ShardPlacement& placement);

// As a new shard is to have them, or one that knows of no change: without a field that is being
// built, which it is told of later; with one that is being dropped, which it may have.
ShardSpec SpecOf(const CollectionRecord& record, const ShardPlacement& placement);

// The places as the shards are to have them from now on.
PayloadSchema FieldsForShards(const CollectionRecord& record);

// Idempotent. CreateShards stops at the first error; DropShards tries every shard and answers with
// the first error.
absl::Status CreateShards(const Catalog& catalog, const CollectionRecord& record,
                          Deadline until = Deadline::max());
absl::Status DropShards(const Catalog& catalog, const CollectionRecord& record,
                        Deadline until = Deadline::max());

// Every node of the record answers; UNAVAILABLE naming the first that does not.
absl::Status CheckNodes(const Catalog& catalog, const CollectionRecord& record,
                        Deadline until = Deadline::max());

struct ShardSurvey {
  ShardPlacement placement;
  absl::StatusOr<ShardStat> stat;  // an error also where the shard is another incarnation's
};

// One look at one collection or at several. A node that did not answer once is not asked again in
// it, so that a dead one costs one deadline.
struct SurveyPass {
  Deadline until = Deadline::max();
  std::map<std::string, absl::Status> silent;
};

// The Stat of one shard, FAILED_PRECONDITION WRONG_INCARNATION where it is another collection's.
absl::StatusOr<ShardStat> StatShard(const Catalog& catalog, const CollectionRecord& record,
                                    const ShardPlacement& placement, Deadline until);

// One Stat of each shard, in the record's order.
std::vector<ShardSurvey> SurveyShards(const Catalog& catalog, const CollectionRecord& record,
                                      SurveyPass& pass);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_SHARD_STEPS_H_
