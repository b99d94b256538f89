#include "coordinator/search/recall_curve.h"

#include <algorithm>
#include <cmath>
#include <optional>
#include <span>

namespace kith::coordinator {
namespace {

using Curve = std::span<const RecallMeasure>;

// What a candidate of plane B and a list cost, in codes of plane A: measured on 1 M x 128 u8 (17
// ns, 20 ns and 1.2 ns).
constexpr double kCodesOfCandidate = 14;
constexpr double kCodesOfList = 16;

// The first curve of those that stand one after another, each with an effort of its own.
Curve FirstOf(Curve measures) {
  const auto end = std::find_if(measures.begin(), measures.end(), [&](const RecallMeasure& other) {
    return EffortOf(other) != EffortOf(measures.front());
  });
  return measures.first(static_cast<size_t>(end - measures.begin()));
}

struct Place {
  uint32_t nprobe;
  double scanned_share;
};

std::optional<Place> WhereReached(Curve curve, double goal) {
  const RecallMeasure* before = nullptr;
  for (const RecallMeasure& measure : curve) {
    if (measure.recall_low >= goal) {
      if (before == nullptr) return Place{measure.nprobe, measure.scanned_share};
      const double share = (goal - before->recall_low) / (measure.recall_low - before->recall_low);
      const double nprobe = before->nprobe + share * (measure.nprobe - before->nprobe);
      const double scanned =
          before->scanned_share + share * (measure.scanned_share - before->scanned_share);
      // Less a hair, so that rounding never makes a measured point cost one list more.
      return Place{std::max(1u, static_cast<uint32_t>(std::ceil(nprobe - 1e-6))), scanned};
    }
    before = &measure;
  }
  return std::nullopt;
}

// Of the serving version; 0: not known.
uint64_t TrainedPoints(const CollectionRecord& record) {
  for (const IndexVersionRecord& version : record.versions) {
    if (version.version == record.serving_version) return version.trained_points;
  }
  return 0;
}

// In codes.
double WorkOf(const Place& place, const SearchEffort& effort, uint64_t points) {
  return place.scanned_share * static_cast<double>(points) + kCodesOfCandidate * effort.refine +
         kCodesOfList * place.nprobe;
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
  if (all.empty()) return {lists, {}, false};
  const double goal = RecallGoal(target_recall);
  const uint64_t points = TrainedPoints(record);
  std::optional<ProbeChoice> cheapest;
  double least_work = 0;
  for (Curve left = all; !left.empty();) {
    const Curve curve = FirstOf(left);
    left = left.subspan(curve.size());
    const auto place = WhereReached(curve, goal);
    if (!place.has_value()) continue;
    const SearchEffort effort = EffortOf(curve.front());
    const double work = WorkOf(*place, effort, points);
    if (cheapest.has_value() && (points == 0 || work >= least_work)) continue;
    cheapest = {std::min(place->nprobe, lists), effort, true};
    least_work = work;
  }
  if (cheapest.has_value()) return *cheapest;
  const RecallMeasure& best = BestAffordable(all);
  return {std::min(best.nprobe, lists), EffortOf(best), false};
}

}  // namespace kith::coordinator
