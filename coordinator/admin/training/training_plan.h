#ifndef KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_PLAN_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_PLAN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/meta/meta_store.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/promotion.h"
#include "index/auto_parameters.h"

namespace kith::coordinator {

// What one training will do, decided once from the number of points.
struct TrainingPlan {
  uint64_t points = 0;
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  double target_recall = 0;
  uint64_t seed = 0;
  uint64_t sample = 0;    // points with the smallest sample hashes: trained on
  uint64_t held_out = 0;  // the next ones: the queries recall is measured with
  PromotionRule promotion;
  std::vector<std::string> chosen;  // a sentence for each parameter: what it is and why
};

// What there is to train, and where.
struct TrainingSize {
  uint64_t points = 0;                  // now
  std::vector<index::NodeShare> nodes;  // of the points expected; empty: of any size
};

// As many as `choice`, or else the record, says there will be, if there are not more already.
uint64_t ExpectedPoints(const CollectionRecord& record, const IndexChoice& choice, uint64_t points);

// Fewer held-out points than this say nothing: recall is then measured with points of the sample.
inline constexpr uint64_t kHeldOutMin = 32;
inline constexpr uint64_t kHeldOutMax = 1000;

// `choice` was checked; its zero fields keep the record's, and the record's are chosen for the
// points expected and the memory of the nodes. Pure.
// FAILED_PRECONDITION TOO_FEW_POINTS saying how many there are and how many are needed.
absl::StatusOr<TrainingPlan> PlanTraining(const CollectionRecord& record, const IndexChoice& choice,
                                          const TrainingSize& size);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_PLAN_H_
