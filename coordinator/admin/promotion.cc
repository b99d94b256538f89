#include "coordinator/admin/promotion.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "coordinator/admin/index_versions.h"

namespace kith::coordinator {
namespace {

using Curve = std::vector<RecallMeasure>;

// The part of the version's curves that was measured with that effort.
Curve CurveAt(const IndexVersionRecord& version, const SearchEffort& effort) {
  Curve curve;
  for (const RecallMeasure& measure : version.recall) {
    if (EffortOf(measure) == effort) curve.push_back(measure);
  }
  return curve;
}

RecallMeasure Between(const RecallMeasure& low, const RecallMeasure& high, double share) {
  const auto mix = [share](double a, double b) { return a + share * (b - a); };
  RecallMeasure measure = high;
  measure.nprobe = static_cast<uint32_t>(mix(low.nprobe, high.nprobe) + 0.5);
  measure.recall_at_10 = mix(low.recall_at_10, high.recall_at_10);
  measure.recall_low = mix(low.recall_low, high.recall_low);
  measure.scanned_share = mix(low.scanned_share, high.scanned_share);
  return measure;
}

// Where the curve, whose `of` only grows, has the value: between the two measures around it. Below
// the first the way is from nothing scanned and nothing found, above the last it is the last.
template <typename Member>
RecallMeasure At(const Curve& curve, Member of, double value) {
  RecallMeasure before;
  before.refine = curve.front().refine;
  before.stop_ratio = curve.front().stop_ratio;
  for (const RecallMeasure& measure : curve) {
    const auto high = static_cast<double>(measure.*of);
    const auto low = static_cast<double>(before.*of);
    if (value <= high && high > low) return Between(before, measure, (value - low) / (high - low));
    before = measure;
  }
  return before;
}

}  // namespace

ProbeChoice ChooseProbesUnder(const IndexVersionRecord& version, double target_recall) {
  CollectionRecord record;
  record.serving_version = version.version;
  record.trained_lists = version.lists;
  record.recall = version.recall;
  record.versions = {version};
  return ChooseProbes(record, target_recall);
}

RecallMeasure MeasureAtTarget(const IndexVersionRecord& version, double target_recall) {
  const ProbeChoice choice = ChooseProbesUnder(version, target_recall);
  const Curve curve = CurveAt(version, choice.effort);
  if (curve.empty()) return {};
  RecallMeasure measure = At(curve, &RecallMeasure::nprobe, choice.nprobe);
  measure.nprobe = choice.nprobe;
  return measure;
}

RecallComparison CompareRecall(const IndexVersionRecord& trained,
                               const std::string& serving_version, const RecallMeasure& serving) {
  RecallComparison comparison;
  comparison.serving_version = serving_version;
  comparison.target_recall = trained.target_recall;
  comparison.serving = serving;
  comparison.trained = MeasureAtTarget(trained, trained.target_recall);
  const Curve curve = CurveAt(trained, EffortOf(comparison.trained));
  if (serving.scanned_share == 0) {  // it does not serve
    comparison.recall_gain = comparison.trained.recall_at_10;
  } else if (!curve.empty()) {
    const RecallMeasure same_work = At(curve, &RecallMeasure::scanned_share, serving.scanned_share);
    comparison.recall_gain = same_work.recall_at_10 - serving.recall_at_10;
  }
  comparison.tolerance = std::max(kFlatGain, serving.recall_at_10 - serving.recall_low);
  return comparison;
}

std::string WhyNotPromoted(const PromotionRule& rule, const RecallComparison* comparison) {
  if (rule.when == PromotionRule::When::kByHand) return "promotion by hand was asked for";
  if (comparison == nullptr) return "";
  const double least = rule.recall_gain_min.value_or(-comparison->tolerance);
  if (comparison->recall_gain >= least) return "";
  return fmt::format(
      "scanning as many points as the serving version, recall@10 changes by {:+.4f}, and {:+.4f} "
      "is the least for a promotion",
      comparison->recall_gain, least);
}

std::string PublishVersion(CollectionRecord& record, const IndexVersionRecord& trained,
                           const PromotionRule& rule) {
  const RecallComparison* comparison =
      trained.comparison.has_value() ? &*trained.comparison : nullptr;
  const std::string compared = comparison == nullptr ? "" : comparison->serving_version;
  const std::string serving = record.serving_version;
  HoldVersion(record, trained);
  if (serving == trained.version) return "";  // the same sample gave the same version again
  if (serving != compared) {
    return fmt::format("index version {} was promoted while this one was measured", serving);
  }
  std::string why = WhyNotPromoted(rule, comparison);
  if (why.empty()) (void)ServeVersion(record, trained.version);  // it is held: this cannot fail
  return why;
}

}  // namespace kith::coordinator
