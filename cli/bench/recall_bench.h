#ifndef KITH_CLI_BENCH_RECALL_BENCH_H_
#define KITH_CLI_BENCH_RECALL_BENCH_H_

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/bench/search_choice.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct RecallBenchOptions : SearchChoice {
  std::string endpoint;
  std::string collection;
  std::string queries;    // a file of vectors
  std::string truth;      // a file of their true neighbours
  uint32_t threads = 1;   // connections, each with one call at a time
  uint32_t batch = 1;     // queries a call; 1 is Search, more is SearchBatch
  uint64_t count = 0;     // queries to time; 0: each once. More than there are go round again
  uint64_t warmup = 200;  // queries before the clock starts
  uint64_t first_id = 0;  // of row 0 of the base file that the truth counts in
  std::chrono::milliseconds deadline{10'000};
};

// What a run of queries did. Work per query comes from a sample asked with `explain` after the
// timed run, which it would have slowed down.
struct RecallReport {
  double recall = 0;  // share of the true k found among the k returned, mean of the queries
  double qps = 0;
  double p50_ms = 0;  // of a call
  double p90_ms = 0;
  double p95_ms = 0;
  double p99_ms = 0;
  double p99_9_ms = 0;
  double max_ms = 0;
  double coverage = 0;  // mean of the answers'
  double coverage_min = 0;
  double nprobe = 0;         // lists probed, mean
  double scanned_share = 0;  // compared rows of any kind / points, mean
  double refined = 0;        // rows a query, mean
  double reranked = 0;
  // Whether the measured curve gets to the target; absent where none was asked for.
  std::optional<bool> target_reached;
  std::string strategy;
  std::string index_version;
  std::string score_kind;
  uint64_t count = 0;      // queries timed
  uint64_t explained = 0;  // queries of the sample
  double seconds = 0;
};
Json ToJson(const RecallReport& report, const RecallBenchOptions& options);

// The first call that fails ends the run with its error.
absl::StatusOr<RecallReport> RunRecallBench(const RecallBenchOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_RECALL_BENCH_H_
