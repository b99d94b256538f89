#ifndef KITH_COORDINATOR_ADMIN_INDEX_VERSIONS_H_
#define KITH_COORDINATOR_ADMIN_INDEX_VERSIONS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/shard_steps.h"

// Which index versions a collection has: the one that serves, the one that served before it, and
// those that wait (trained and not promoted, or rolled back); three at most. The shards hold these
// and drop every other. The changes of a record are pure; Catalog::Modify makes each a
// compare-and-swap.
namespace kith::coordinator {

// Null where the record has no such version.
const IndexVersionRecord* FindVersion(const CollectionRecord& record, const std::string& version);
std::vector<std::string> WaitingVersions(const CollectionRecord& record);

// Adds a version that was trained and measured; those that waited go. A version that is there
// already gets the new figures and stays what it is.
void HoldVersion(CollectionRecord& record, IndexVersionRecord version);
// What served becomes the previous one, and the one before that goes. Serving what serves changes
// nothing. NOT_FOUND INDEX_VERSION_NOT_FOUND.
absl::Status ServeVersion(CollectionRecord& record, const std::string& version);
// The previous one serves, and what served waits. FAILED_PRECONDITION INDEX_VERSION_NOT_FOUND where
// there is none.
absl::Status RollBackVersion(CollectionRecord& record);
// FAILED_PRECONDITION INDEX_VERSION_SERVING; NOT_FOUND INDEX_VERSION_NOT_FOUND.
absl::Status ForgetVersion(CollectionRecord& record, const std::string& version);

// The version on that shard; null where the shard does not have it or said nothing.
const IndexState* FindIndex(const ShardSurvey& survey, const std::string& version);
// Why the version may not serve from that shard; empty where it may.
std::string WhyNotReady(const ShardSurvey& survey, const std::string& version);
// FAILED_PRECONDITION INDEX_VERSION_NOT_READY naming the first shard that does not have it ready.
absl::Status CheckReady(const std::vector<ShardSurvey>& surveys, const std::string& version);

// Any shard has a version that the record does not name.
bool HasUnheldVersions(const CollectionRecord& record, const std::vector<ShardSurvey>& surveys);
// Has the shards drop those. One that cannot be asked now is left to the reconciler.
void DropUnheldVersions(const Catalog& catalog, const CollectionRecord& record,
                        const std::vector<ShardSurvey>& surveys);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_INDEX_VERSIONS_H_
