#ifndef KITH_COORDINATOR_ADMIN_PROMOTION_H_
#define KITH_COORDINATOR_ADMIN_PROMOTION_H_

#include <cstdint>
#include <optional>
#include <string>

#include "common/meta/meta_store.h"
#include "coordinator/search/recall_curve.h"

// Whether a version that was trained and measured should serve. Pure.
namespace kith::coordinator {

struct PromotionRule {
  enum class When : uint8_t {
    kNoWorse = 1,  // by itself, where what was measured says so
    kByHand = 2,
  };
  When when = When::kNoWorse;
  std::optional<double> recall_gain_min;  // absent: a loss that may be chance is allowed
};

// Depth and nprobe that searches would take under that version for that recall.
ProbeChoice ChooseProbesUnder(const IndexVersionRecord& version, double target_recall);

// What the version's own curve says of that place, interpolated. All zero where nothing was
// measured.
RecallMeasure MeasureAtTarget(const IndexVersionRecord& version, double target_recall);

// Of `trained`, whose curve is measured, against what serves, measured once with the same queries
// where its curve aims at the target. The gain is in recall at the share of points that the serving
// one scans: what serves cheaper shows as a gain, too.
RecallComparison CompareRecall(const IndexVersionRecord& trained,
                               const std::string& serving_version, const RecallMeasure& serving);

// Why the trained version should not serve yet; empty where it should. `comparison` is null where
// nothing else serves.
std::string WhyNotPromoted(const PromotionRule& rule, const RecallComparison* comparison);

// Adds the trained version to the record, and lets it serve where the rule says so and what it was
// compared with still serves. Why it waits; empty where it serves now.
std::string PublishVersion(CollectionRecord& record, const IndexVersionRecord& trained,
                           const PromotionRule& rule);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_PROMOTION_H_
