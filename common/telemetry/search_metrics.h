#ifndef KITH_COMMON_TELEMETRY_SEARCH_METRICS_H_
#define KITH_COMMON_TELEMETRY_SEARCH_METRICS_H_

#include <cstdint>

#include "common/telemetry/metrics.h"

namespace kith::telemetry {

// One search as the coordinator saw it. Nanoseconds, of the slowest shard for the shard's stages.
struct SearchObservation {
  uint64_t queue_ns = 0;
  uint64_t coarse_ns = 0;
  uint64_t scan_ns = 0;
  uint64_t refine_ns = 0;
  uint64_t rerank_ns = 0;
  uint64_t merge_ns = 0;
  double coverage = 1;
};

// kith_search_stage_duration_seconds{stage} and kith_search_coverage_ratio. Threads: any.
class SearchMetrics {
 public:
  explicit SearchMetrics(Metrics& metrics);
  void Observe(const SearchObservation& search);

 private:
  Histogram queue_;
  Histogram coarse_;
  Histogram scan_;
  Histogram refine_;
  Histogram rerank_;
  Histogram merge_;
  Histogram coverage_;
};

}  // namespace kith::telemetry

#endif  // KITH_COMMON_TELEMETRY_SEARCH_METRICS_H_
