#ifndef KITH_CLI_LOAD_CAPACITY_RUN_H_
#define KITH_CLI_LOAD_CAPACITY_RUN_H_

#include <iosfwd>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "cli/console/json_output.h"
#include "cli/console/terminal.h"
#include "cli/load/latency_target.h"
#include "cli/load/load_run.h"
#include "cli/load/rate_search.h"

namespace kith::cli {

struct CapacityOptions {
  LoadOptions load;      // its duration is that of a step; its rate is not used
  LatencyTarget target;  // of the first kind of the mix
  RateSearch::Options search;
};

// One rate that was tried, and why it was not sustained (empty: it was).
struct CapacityStep {
  LoadReport report;
  std::string why_not;
  bool client_limited = false;
};

struct CapacityReport {
  double rate = 0;              // the highest sustained and confirmed, calls a second; 0: none
  bool client_limited = false;  // the client, not the server, was what gave out
  std::vector<CapacityStep> steps;
};

// Sends calls at the rate of the options, for their duration.
using LoadMeasure = absl::FunctionRef<absl::StatusOr<LoadReport>(const LoadOptions& options)>;

// Searches the highest rate at which the target holds, nearly nothing fails and what is asked is
// answered; the last step, twice as long, confirms it. `progress` gets a line a step. Ends with the
// first error of `measure`.
absl::StatusOr<CapacityReport> FindCapacity(const CapacityOptions& options, LoadMeasure measure,
                                            std::ostream& progress);
// The same against the server of `options.load`. CANCELLED after Ctrl-C.
absl::StatusOr<CapacityReport> RunCapacity(const CapacityOptions& options, Terminal& terminal);

Json ToJson(const CapacityReport& report, const CapacityOptions& options);
std::string ToText(const CapacityReport& report, const CapacityOptions& options);
// Latency against the rate.
std::string ToSvg(const CapacityReport& report, const CapacityOptions& options);

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_CAPACITY_RUN_H_
