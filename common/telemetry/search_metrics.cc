#include "common/telemetry/search_metrics.h"

#include <string>
#include <vector>

namespace kith::telemetry {
namespace {

Histogram StageHistogram(Metrics& metrics, const std::string& stage) {
  return metrics.GetHistogram(
      {"kith_search_stage_duration_seconds", "Time of one search in each stage."}, LatencyBuckets(),
      {{"stage", stage}});
}

void ObserveNs(const Histogram& histogram, uint64_t ns) {
  histogram.Observe(static_cast<double>(ns) * 1e-9);
}

}  // namespace

SearchMetrics::SearchMetrics(Metrics& metrics)
    : queue_(StageHistogram(metrics, "queue")),
      coarse_(StageHistogram(metrics, "coarse")),
      scan_(StageHistogram(metrics, "scan")),
      refine_(StageHistogram(metrics, "refine")),
      rerank_(StageHistogram(metrics, "rerank")),
      merge_(StageHistogram(metrics, "merge")),
      coverage_(metrics.GetHistogram({"kith_search_coverage_ratio",
                                      "Part of the points' planned work that answers completed."},
                                     {0, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1})) {}

void SearchMetrics::Observe(const SearchObservation& search) {
  ObserveNs(queue_, search.queue_ns);
  ObserveNs(coarse_, search.coarse_ns);
  ObserveNs(scan_, search.scan_ns);
  ObserveNs(refine_, search.refine_ns);
  ObserveNs(rerank_, search.rerank_ns);
  ObserveNs(merge_, search.merge_ns);
  coverage_.Observe(search.coverage);
}

}  // namespace kith::telemetry
