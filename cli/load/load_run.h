#ifndef KITH_CLI_LOAD_LOAD_RUN_H_
#define KITH_CLI_LOAD_LOAD_RUN_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/console/interrupt.h"
#include "cli/console/terminal.h"
#include "cli/load/load_options.h"
#include "cli/load/load_worker.h"

namespace kith::cli {

struct LoadReport {
  LoadOptions options;
  LoadCounts counts;
  double seconds = 0;  // counted time: the duration, or until the last answer where that is later
  double client_cores = 0;  // processor seconds of this process a second
  uint64_t points = 0;      // of the collection, before the run
  uint32_t dimension = 0;
  std::string serving_version;  // of its index; empty: exact search

  // Calls answered without an error a second.
  double AchievedRate() const;
  uint64_t Answered() const;
  uint64_t Failed() const;  // errors and calls that were never sent
  // Whether the client sent when it should have: otherwise the latencies are its own as well.
  bool ClientKeptSchedule() const;
};

// A server, its collection and what it is sent; several runs may follow one another.
// Threads: one at a time.
class LoadRunner {
 public:
  // The usage error names the option; else whatever keeps the server from answering, or a file
  // from fitting the collection.
  static absl::StatusOr<LoadRunner> Open(const LoadOptions& options);
  // One run, warm-up included. CANCELLED after Ctrl-C.
  absl::StatusOr<LoadReport> Run(const LoadOptions& options, InterruptWatch& interrupt,
                                 Terminal& terminal) const;

 private:
  LoadTraffic traffic_;
  uint64_t points_ = 0;
  uint32_t dimension_ = 0;
  std::string serving_version_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_RUN_H_
