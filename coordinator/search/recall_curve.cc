#include "coordinator/search/recall_curve.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace kith::coordinator {
namespace {

using Curve = std::span<const RecallMeasure>;

// The first curve of those that stand one after another, each with a depth of its own.
Curve FirstOf(Curve measures) {
  const auto end = std::find_if(
      measures.begin(), measures.end(),
      [&](const RecallMeasure& measure) { return measure.refine != measures.front().refine; });
  return measures.first(static_cast<size_t>(end - measures.begin()));
}

std::optional<uint32_t> WhereReached(Curve curve, double goal) {
  const RecallMeasure* before = nullptr;
  for (const RecallMeasure& measure : curve) {
    if (measure.recall_low >= goal) {
      if (before == nullptr) return measure.nprobe;
      const double share = (goal - before->recall_low) / (measure.recall_low - before->recall_low);
      const double nprobe = before->nprobe + share * (measure.nprobe - before->nprobe);
      // Less a hair, so that rounding never makes a measured point cost one list more.
      return std::max(1u, static_cast<uint32_t>(std::ceil(nprobe - 1e-6)));
    }
    before = &measure;
  }
  return std::nullopt;
}

const RecallMeasure& BestAffordable(Curve measures) {
  const RecallMeasure* best = nullptr;
  for (const RecallMeasure& measure : measures) {
    if (measure.scanned_share > kScannedShareMax) continue;
    const bool better = best == nullptr || measure.recall_at_10 > best->recall_at_10 + kFlatGain;
    if (better) best = &measure;
  }
  return best != nullptr ? *best : measures.back();
}

}  // namespace

double RecallGoal(double target_recall) { return 1.0 - (1.0 - target_recall) * 0.8; }

ProbeChoice ChooseProbes(const CollectionRecord& record, double target_recall) {
  if (record.serving_version.empty()) return {};
  const uint32_t lists = std::max(1u, record.trained_lists);
  const Curve all(record.recall);
  if (all.empty()) return {lists, 0, false};
  const double goal = RecallGoal(target_recall);
  for (Curve left = all; !left.empty();) {
    const Curve curve = FirstOf(left);
    if (const auto nprobe = WhereReached(curve, goal)) {
      return {std::min(*nprobe, lists), curve.front().refine, true};
    }
    left = left.subspan(curve.size());
  }
  const RecallMeasure& best = BestAffordable(all);
  return {std::min(best.nprobe, lists), best.refine, false};
}

}  // namespace kith::coordinator
