#ifndef KITH_BENCH_LIBRARY_TIMED_SEARCH_H_
#define KITH_BENCH_LIBRARY_TIMED_SEARCH_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "bench/library/engine_session.h"
#include "cli/data/neighbour_file.h"
#include "cli/data/vector_reader.h"

namespace kith::bench {

// Queries asked on `threads` threads, `batch` of them a call, and what came of it.
// Threads: one at a time.
class TimedSearch {
 public:
  struct Setting {
    uint32_t threads = 1;
    uint32_t batch = 1;
    uint32_t k = 10;
  };
  struct Range {
    uint32_t first = 0;
    uint32_t count = 0;
  };
  struct Outcome {
    double recall = 0;  // share of the true k among the k returned, mean of the queries
    double qps = 0;
  };

  TimedSearch(const EngineSession& session, const cli::VectorMatrix& queries,
              const cli::NeighbourTable& truth, Setting setting);
  // Recall and rate of the queries of the range, each asked once.
  absl::StatusOr<Outcome> Run(const OperatingPoint& point, Range range);

 private:
  absl::StatusOr<double> Ask(const OperatingPoint& point, Range range);
  double Recall(Range range) const;

  const cli::VectorMatrix& queries_;
  const cli::NeighbourTable& truth_;
  const Setting setting_;
  std::vector<std::unique_ptr<EngineSession::Searcher>> searchers_;
  std::vector<uint32_t> found_;  // queries x k
};

}  // namespace kith::bench

#endif  // KITH_BENCH_LIBRARY_TIMED_SEARCH_H_
