#ifndef KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_SERVICE_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_SERVICE_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/executor.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/promotion.h"

namespace kith::coordinator {

// kith.v1.TrainIndexRequest.
struct TrainCall {
  std::string collection;
  IndexChoice index;  // zero fields keep the collection's
  uint64_t seed = 0;
  PromotionRule promotion;
};

// Starts training operations (kind "train") and runs them on `jobs`. Cancel them through
// Operations; drain Operations before `jobs` is stopped.
//
// Threads: any admin thread; Start blocks while it asks every shard for its size, not after
// `until`.
class TrainService {
 public:
  // `memory_limit_bytes` of one node, 0: not known, and no training is refused for it.
  TrainService(Catalog& catalog, Operations& operations, Executor& jobs,
               uint64_t memory_limit_bytes = 0)
      : catalog_(catalog),
        operations_(operations),
        jobs_(jobs),
        memory_limit_bytes_(memory_limit_bytes) {}

  // FAILED_PRECONDITION TOO_FEW_POINTS; ABORTED TRAINING_IN_PROGRESS; NOT_FOUND
  // COLLECTION_NOT_FOUND; INVALID_ARGUMENT BAD_REQUEST; UNAVAILABLE SHARD_UNAVAILABLE naming the
  // node; RESOURCE_EXHAUSTED QUEUE_FULL or MEMORY_LIMIT (with both figures). DEGENERATE_POINTS
  // shows in the operation.
  absl::StatusOr<Operation> Start(const TrainCall& call, Deadline until = Deadline::max());

 private:
  Catalog& catalog_;
  Operations& operations_;
  Executor& jobs_;
  const uint64_t memory_limit_bytes_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_SERVICE_H_
