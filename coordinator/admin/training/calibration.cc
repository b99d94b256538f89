#include "coordinator/admin/training/calibration.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "common/base/status.h"
#include "coordinator/admin/training/shard_search.h"
#include "coordinator/search/search_defaults.h"
#include "coordinator/search/vector_input.h"

namespace kith::coordinator {
namespace {

constexpr double kFullRecall = 0.9995;  // of the lower end: every target that may be asked for
constexpr double kFlatGain = 0.0005;    // over kFlatSteps steps, which more than double nprobe
constexpr size_t kFlatSteps = 3;
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

bool Finished(const std::vector<RecallMeasure>& curve) {
  const RecallMeasure& last = curve.back();
  if (last.recall_low >= kFullRecall) return true;
  if (curve.size() <= kFlatSteps) return false;
  return last.recall_at_10 - curve[curve.size() - 1 - kFlatSteps].recall_at_10 < kFlatGain;
}

double ScannedShare(const NeighbourSets& found, uint32_t queries) {
  const double possible = static_cast<double>(found.live_points) * queries;
  return possible == 0 ? 0 : static_cast<double>(found.rows_compared) / possible;
}

}  // namespace

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

absl::StatusOr<std::vector<RecallMeasure>> MeasureRecall(const TrainingRun& run,
                                                         const std::string& version,
                                                         const SampleChunk& held_out) {
  KITH_ASSIGN_OR_RETURN(const QuerySet queries, QueriesOf(run, held_out));
  SearchCall exact;
  exact.index_version = version;
  exact.exact = true;
  run.Report(kCalibrating, 0);
  KITH_ASSIGN_OR_RETURN(const NeighbourSets truth, SearchShards(run, queries, exact));
  SearchCall approximate;
  approximate.index_version = version;
  approximate.refine = RefineOfShard(run.record.shards.size());
  approximate.rerank = RerankOfShard(run.record.shards.size());
  const std::vector<uint32_t> ladder = NprobeLadder(run.plan.lists);
  std::vector<RecallMeasure> curve;
  for (const uint32_t nprobe : ladder) {
    approximate.nprobe = nprobe;
    KITH_ASSIGN_OR_RETURN(const NeighbourSets found, SearchShards(run, queries, approximate));
    RecallMeasure measure = Summarise(RecallsOf(found, truth));
    measure.nprobe = nprobe;
    measure.scanned_share = ScannedShare(found, queries.count);
    curve.push_back(measure);
    const double steps = static_cast<double>(curve.size()) / static_cast<double>(ladder.size());
    run.Report(kCalibrating, kTruthShare + (1 - kTruthShare) * steps);
    if (Finished(curve)) break;
  }
  spdlog::info(
      "recall_measured collection={} version={} queries={} steps={} recall_at_10={:.4f} "
      "nprobe={} scanned_share={:.4f}",
      run.record.name, version, queries.count, curve.size(), curve.back().recall_at_10,
      curve.back().nprobe, curve.back().scanned_share);
  return curve;
}

}  // namespace kith::coordinator
