#ifndef KITH_CLI_BENCH_SEARCH_CALLER_H_
#define KITH_CLI_BENCH_SEARCH_CALLER_H_

#include <grpcpp/channel.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/bench/latencies.h"
#include "cli/bench/query_set.h"
#include "cli/bench/recall_bench.h"
#include "kith/v1/search.grpc.pb.h"

namespace kith::cli {

// What one connection, or all of them together, saw.
struct SearchTally {
  Latencies latencies;
  uint64_t queries = 0;
  uint64_t found = 0;       // true neighbours among the hits
  double coverage_sum = 0;  // of queries
  double coverage_min = 1;
  std::string index_version;
  v1::ScoreKind score_kind = v1::SCORE_KIND_UNSPECIFIED;
  std::chrono::steady_clock::time_point finished;

  void SawAnswer(const v1::Coverage& coverage, uint64_t count);
  void Merge(const SearchTally& other);
};

// One connection with one call at a time.
// Threads: one at a time.
class SearchCaller {
 public:
  // `options` and `queries` must outlive this.
  SearchCaller(const RecallBenchOptions& options, const QuerySet& queries,
               const std::shared_ptr<grpc::Channel>& channel);

  // Asks `count` queries from the `first` on, as many as lie together, and sets count to that.
  absl::Status Ask(uint64_t first, uint64_t& count, SearchTally& tally);
  // Asks one query and what it took.
  absl::StatusOr<v1::Explanation> Explain(uint64_t query);

 private:
  absl::Status AskOne(uint64_t first, SearchTally& tally);
  absl::Status AskBatch(uint64_t first, uint64_t& count, SearchTally& tally);
  absl::Status CheckBatch(uint64_t count) const;
  void CountBatch(uint64_t first, uint64_t count, SearchTally& tally);

  const RecallBenchOptions& options_;
  const QuerySet& queries_;
  std::unique_ptr<v1::Search::Stub> stub_;
  v1::SearchRequest one_;
  v1::SearchResponse answer_;
  v1::SearchBatchRequest many_;
  v1::SearchBatchResponse answers_;
  std::vector<uint64_t> ids_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_SEARCH_CALLER_H_
