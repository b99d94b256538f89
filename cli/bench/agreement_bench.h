#ifndef KITH_CLI_BENCH_AGREEMENT_BENCH_H_
#define KITH_CLI_BENCH_AGREEMENT_BENCH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/bench/recall_bench.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"

namespace kith::cli {

// The same points on two servers, asked the same: one shard and four, a CPU and a GPU.
struct AgreementOptions {
  RecallBenchOptions first;  // threads, batch and warm-up are not used: nothing is timed
  std::string other_endpoint;
  std::string other_collection;  // empty: of the same name
};

struct AgreementReport {
  uint64_t queries = 0;
  double recall = 0;
  double other_recall = 0;
  uint64_t identical = 0;         // queries answered by the same ids in the same order
  double shared = 0;              // ids in both answers / ids of the first
  uint64_t score_mismatches = 0;  // ids in both answers whose scores differ in a bit
};
Json ToJson(const AgreementReport& report, const AgreementOptions& options);

// The first call that fails ends the run with its error.
absl::StatusOr<AgreementReport> RunAgreementBench(const AgreementOptions& options,
                                                  Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_AGREEMENT_BENCH_H_
