#include "coordinator/search/recall_curve.h"

#include <algorithm>
#include <cmath>

namespace kith::coordinator {

double RecallGoal(double target_recall) { return 1.0 - (1.0 - target_recall) * 0.8; }

uint32_t NprobeFor(const CollectionRecord& record, double target_recall) {
  if (record.serving_version.empty()) return 1;
  const uint32_t lists = std::max(1u, record.trained_lists);
  const double goal = RecallGoal(target_recall);
  const RecallMeasure* before = nullptr;
  for (const RecallMeasure& measure : record.recall) {
    if (measure.recall_low >= goal) {
      if (before == nullptr) return std::min(measure.nprobe, lists);
      const double share = (goal - before->recall_low) / (measure.recall_low - before->recall_low);
      const double nprobe = before->nprobe + share * (measure.nprobe - before->nprobe);
      // Less a hair, so that rounding never makes a measured point cost one list more.
      return std::clamp(static_cast<uint32_t>(std::ceil(nprobe - 1e-6)), 1u, lists);
    }
    before = &measure;
  }
  return lists;
}

}  // namespace kith::coordinator
