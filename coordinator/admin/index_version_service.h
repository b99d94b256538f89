#ifndef KITH_COORDINATOR_ADMIN_INDEX_VERSION_SERVICE_H_
#define KITH_COORDINATOR_ADMIN_INDEX_VERSION_SERVICE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/index_health.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/shard_steps.h"

namespace kith::coordinator {

enum class IndexVersionState : uint8_t { kServing = 1, kPrevious = 2, kWaiting = 3 };

// A version on one shard.
struct IndexVersionShard {
  ShardPlacement placement;
  std::string not_ready_reason;  // empty: it may serve from there
  uint64_t indexed_rows = 0;
  uint64_t total_rows = 0;
  IndexHealth health;  // without growth
};

// kith.v1.IndexVersion.
struct IndexVersionView {
  IndexVersionRecord record;
  IndexVersionState state = IndexVersionState::kWaiting;
  double target_recall = 0;  // of the collection
  RecallMeasure at_target;   // by the version's curve; all zero where none was measured
  IndexHealth health;
  std::vector<IndexVersionShard> shards;
};

using IndexVersionViews = std::vector<IndexVersionView>;  // the serving one first

// The life of index versions after their training: the logic behind the RPCs of the same names.
//
// Codes: NOT_FOUND COLLECTION_NOT_FOUND or INDEX_VERSION_NOT_FOUND; FAILED_PRECONDITION
// INDEX_VERSION_NOT_READY (facts `shard` and `node`), INDEX_VERSION_SERVING, or
// INDEX_VERSION_NOT_FOUND where there is nothing to go back to; those of MetaStore. No shard is
// asked anything after `until`, when the caller stops waiting.
// Threads: any admin thread; every call may block.
class IndexVersionService {
 public:
  IndexVersionService(Catalog& catalog, Operations& operations)
      : catalog_(catalog), operations_(operations) {}

  absl::StatusOr<IndexVersionViews> List(const std::string& collection,
                                         Deadline until = Deadline::max());
  // One compare-and-swap of the serving version, once every shard has said that it is ready there.
  // An empty `version` is the one that waits, where just one does.
  absl::StatusOr<IndexVersionViews> Promote(const std::string& collection,
                                            const std::string& version,
                                            Deadline until = Deadline::max());
  absl::StatusOr<IndexVersionViews> Rollback(const std::string& collection,
                                             Deadline until = Deadline::max());
  absl::StatusOr<IndexVersionViews> Drop(const std::string& collection, const std::string& version,
                                         Deadline until = Deadline::max());

 private:
  using Surveys = std::vector<ShardSurvey>;

  // Changes the record while nothing else changes it by name, then has the shards drop what goes.
  absl::StatusOr<CollectionRecord> Change(const CollectionRecord& known,
                                          const Catalog::Change& change, const Surveys& surveys);

  Catalog& catalog_;
  Operations& operations_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_INDEX_VERSION_SERVICE_H_
