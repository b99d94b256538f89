#ifndef KITH_CLI_BENCH_WRITE_BENCH_H_
#define KITH_CLI_BENCH_WRITE_BENCH_H_

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct WriteBenchOptions {
  std::string endpoint;
  std::string collection;
  uint32_t dimension = 0;  // must be the collection's
  std::string dtype;       // empty: the collection's, else must be that
  uint64_t rows = 0;
  size_t batch = 256;
  size_t in_flight = 16;
  uint64_t first_id = 0;
  uint64_t seed = 1;
  bool request_ids = false;  // as an import sends them
};

struct WriteReport {
  double rows_per_s = 0;
  double p50_ms = 0;  // of a call, from the first sending to the answer, with repeats
  double p99_ms = 0;
  uint64_t rows = 0;    // written
  uint64_t errors = 0;  // rows refused
  uint64_t retries = 0;
  uint64_t calls = 0;
  double seconds = 0;
};
Json ToJson(const WriteReport& report, const WriteBenchOptions& options);

// Upserts random vectors, made beforehand, over one connection. The first call that fails for good
// ends the run with its error.
absl::StatusOr<WriteReport> RunWriteBench(const WriteBenchOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_WRITE_BENCH_H_
