#include "coordinator/admin/training/calibration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/training/shard_search.h"
#include "coordinator/search/recall_curve.h"
#include "coordinator/search/search_defaults.h"
#include "coordinator/search/vector_input.h"

namespace kith::coordinator {
namespace {

constexpr double kFullRecall = 0.9995;  // of the lower end: every target that may be asked for
constexpr size_t kFlatSteps = 3;        // of the ladder: they more than double nprobe
// A collection that aims lower is asked for this, too: where the usual depth does not reach it, the
// deeper curve is there.
constexpr double kHighTarget = 0.99;
constexpr double kTruthShare = 0.5;  // of the stage's progress

absl::StatusOr<QuerySet> QueriesOf(const TrainingRun& run, const SampleChunk& held_out) {
  const VectorShape shape = ShapeOf(run.record);
  QuerySet queries;
  queries.count = static_cast<uint32_t>(held_out.hashes.size());
  for (size_t i = 0; i < queries.count; ++i) {
    VectorInput input;
    input.data =
        std::string_view(held_out.vectors).substr(i * shape.stored_bytes(), shape.stored_bytes());
    KITH_RETURN_IF_ERROR(AppendVector(shape, input, VectorUse::kQuery, queries.vectors));
    queries.keys.push_back(held_out.keys.substr(i * PointKey::kSize, PointKey::kSize));
  }
  return queries;
}

std::vector<double> RecallsOf(const NeighbourSets& found, const NeighbourSets& truth) {
  std::vector<double> recalls;
  for (size_t q = 0; q < truth.keys.size(); ++q) {
    const auto& nearest = truth.keys[q];
    if (nearest.empty()) continue;
    const auto hits = std::count_if(nearest.begin(), nearest.end(), [&](const std::string& key) {
      return std::find(found.keys[q].begin(), found.keys[q].end(), key) != found.keys[q].end();
    });
    recalls.push_back(static_cast<double>(hits) / static_cast<double>(nearest.size()));
  }
  return recalls;
}

using Curve = std::vector<RecallMeasure>;

bool Finished(const Curve& curve) {
  const RecallMeasure& last = curve.back();
  if (last.recall_low >= kFullRecall) return true;
  if (curve.size() <= kFlatSteps) return false;
  return last.recall_at_10 - curve[curve.size() - 1 - kFlatSteps].recall_at_10 < kFlatGain;
}

double ScannedShare(const NeighbourSets& found, uint32_t queries) {
  const double possible = static_cast<double>(found.live_points) * queries;
  return possible == 0 ? 0 : static_cast<double>(found.rows_compared) / possible;
}

bool Reaches(const Curve& curve, double goal) {
  return std::any_of(curve.begin(), curve.end(),
                     [&](const RecallMeasure& measure) { return measure.recall_low >= goal; });
}

// Everything that the curves of one training share.
struct Measuring {
  const TrainingRun& run;
  const QuerySet& queries;
  const NeighbourSets& truth;
  const std::vector<uint32_t> ladder;
  const size_t efforts;  // curves at most
  size_t steps = 0;      // searches made
};

absl::StatusOr<RecallMeasure> MeasureOnce(const Measuring& measuring, const SearchCall& call) {
  KITH_ASSIGN_OR_RETURN(const NeighbourSets found,
                        SearchShards(measuring.run, measuring.queries, call));
  RecallMeasure measure = Summarise(RecallsOf(found, measuring.truth));
  measure.nprobe = call.nprobe;
  measure.refine = call.refine;
  measure.stop_ratio = call.stop_ratio;
  measure.scanned_share = ScannedShare(found, measuring.queries.count);
  return measure;
}

absl::StatusOr<Curve> MeasureCurve(Measuring& measuring, SearchCall call) {
  Curve curve;
  for (const uint32_t nprobe : measuring.ladder) {
    call.nprobe = nprobe;
    KITH_ASSIGN_OR_RETURN(const RecallMeasure measure, MeasureOnce(measuring, call));
    curve.push_back(measure);
    const auto all = static_cast<double>(measuring.ladder.size() * measuring.efforts);
    const double done = static_cast<double>(++measuring.steps) / all;
    measuring.run.Report(kCalibrating, kTruthShare + (1 - kTruthShare) * done);
    if (Finished(curve)) break;
  }
  return curve;
}

// Nothing where the new version is the only one. A version that no longer serves everywhere, say
// because its artifact was damaged, finds nothing: a training is the remedy and must not fail for
// it.
absl::StatusOr<std::optional<ServingMeasure>> MeasureServing(const Measuring& measuring,
                                                             SearchCall call) {
  const TrainingRun& run = measuring.run;
  KITH_ASSIGN_OR_RETURN(const auto entry, run.context().map->Find(run.record.name));
  const CollectionRecord& record = entry->record;
  if (record.serving_version.empty() || record.serving_version == call.index_version) {
    return std::optional<ServingMeasure>();
  }
  const ProbeChoice choice = ChooseProbes(record, run.plan.target_recall);
  call.index_version = record.serving_version;
  call.nprobe = choice.nprobe;
  if (choice.effort.refine != 0) call.refine = choice.effort.refine;
  call.stop_ratio = static_cast<float>(choice.effort.stop_ratio);
  absl::StatusOr<RecallMeasure> measure = MeasureOnce(measuring, call);
  if (ReasonOf(measure.status()) == reason::kIndexVersionNotReady) {
    spdlog::warn("event=serving_version_not_measured collection={} version={} error={}",
                 record.name, record.serving_version,
                 telemetry::LogValue(measure.status().ToString()));
    measure = RecallMeasure();
  }
  KITH_RETURN_IF_ERROR(measure.status());
  return std::optional<ServingMeasure>({record.serving_version, *std::move(measure)});
}

}  // namespace

std::vector<SearchEffort> EffortLadder(size_t shards, Metric metric) {
  // Measured on SIFT 1 M: with 1.25 at a usual depth all but the highest recalls come with the
  // least work, 1.5 carries on to 0.99, and half the depth is enough up to 0.92.
  constexpr double kTight = 1.25;
  constexpr double kLoose = 1.5;
  const uint32_t usual = RefineOfShard(shards);
  const uint32_t deep = DeepestRefineOfShard(shards);
  std::vector<SearchEffort> ladder;
  if (metric != Metric::kInnerProduct) {
    ladder = {{usual / 2, kTight}, {usual, kTight}, {usual, kLoose}};
    if (deep > usual) ladder.push_back({deep, kLoose});
  }
  ladder.push_back({usual, 0});
  if (deep > usual) ladder.push_back({deep, 0});
  return ladder;
}

std::vector<uint32_t> NprobeLadder(uint32_t lists) {
  std::vector<uint32_t> ladder;
  for (uint64_t step = 1; step < lists; step *= 2) {
    ladder.push_back(static_cast<uint32_t>(step));
    if (step >= 2 && step * 3 / 2 < lists) ladder.push_back(static_cast<uint32_t>(step * 3 / 2));
  }
  ladder.push_back(lists);
  return ladder;
}

RecallMeasure Summarise(std::span<const double> recalls) {
  RecallMeasure measure;
  if (recalls.empty()) return measure;
  const double count = static_cast<double>(recalls.size());
  double sum = 0;
  for (const double recall : recalls) sum += recall;
  const double mean = sum / count;
  double squares = 0;
  for (const double recall : recalls) squares += (recall - mean) * (recall - mean);
  const double half = 1.96 * std::sqrt(squares / count / count);
  const double narrowest = 3.0 / (10.0 * count);
  measure.recall_at_10 = mean;
  measure.recall_low = std::max(0.0, mean - std::max(half, narrowest));
  return measure;
}

absl::StatusOr<Calibration> Calibrate(const TrainingRun& run, const std::string& version,
                                      const SampleChunk& held_out) {
  KITH_ASSIGN_OR_RETURN(const QuerySet queries, QueriesOf(run, held_out));
  SearchCall exact;
  exact.index_version = version;
  exact.exact = true;
  run.Report(kCalibrating, 0);
  KITH_ASSIGN_OR_RETURN(const NeighbourSets truth, SearchShards(run, queries, exact));
  SearchCall approximate;
  approximate.index_version = version;
  approximate.rerank = RerankOfShard(run.record.shards.size());
  const auto efforts = EffortLadder(run.record.shards.size(), run.record.metric);
  const double goal = RecallGoal(std::max(run.plan.target_recall, kHighTarget));
  Measuring measuring{run, queries, truth, NprobeLadder(run.plan.lists), efforts.size()};
  Curve curves;
  for (const SearchEffort& effort : efforts) {
    approximate.refine = effort.refine;
    approximate.stop_ratio = static_cast<float>(effort.stop_ratio);
    KITH_ASSIGN_OR_RETURN(const Curve curve, MeasureCurve(measuring, approximate));
    // More work that brings nothing is not worth doing.
    const bool is_better =
        curves.empty() || curve.back().recall_at_10 > curves.back().recall_at_10 + kFlatGain;
    if (is_better) curves.insert(curves.end(), curve.begin(), curve.end());
    if (Reaches(curve, goal)) break;
  }
  spdlog::info(
      "event=recall_measured collection={} version={} queries={} steps={} recall_at_10={:.4f} "
      "nprobe={} refine={} stop_ratio={} scanned_share={:.4f}",
      run.record.name, version, queries.count, curves.size(), curves.back().recall_at_10,
      curves.back().nprobe, curves.back().refine, curves.back().stop_ratio,
      curves.back().scanned_share);
  approximate.refine = RefineOfShard(run.record.shards.size());
  approximate.stop_ratio = 0;
  KITH_ASSIGN_OR_RETURN(std::optional<ServingMeasure> serving,
                        MeasureServing(measuring, approximate));
  return Calibration{std::move(curves), std::move(serving)};
}

}  // namespace kith::coordinator
