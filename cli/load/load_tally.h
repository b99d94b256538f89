#ifndef KITH_CLI_LOAD_LOAD_TALLY_H_
#define KITH_CLI_LOAD_LOAD_TALLY_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "cli/load/histogram.h"

namespace kith::cli {

// The figures of one stretch of the run, by when calls were due.
struct IntervalTally {
  Histogram latency{Histogram::kCoarseBits};
  uint64_t errors = 0;
};

// What became of one call.
struct CallOutcome {
  absl::Status status;
  uint64_t items = 0;    // queries answered or points written
  uint64_t refused = 0;  // points of an answered call that were not written
  double coverage = 1;
  bool is_search = false;
  uint64_t true_wanted =
      0;  // neighbours looked for among the hits; 0 where this call was no sample
  uint64_t true_found = 0;
};

// What became of the calls of one kind.
// Threads: one at a time.
class LoadTally {
 public:
  // Intervals of `interval` each, from the end of the warm-up.
  LoadTally(size_t intervals, std::chrono::nanoseconds interval)
      : intervals_(intervals), interval_(interval) {}

  // `due` counts from the end of the warm-up and is not negative; `latency` from `due`.
  void Add(const CallOutcome& outcome, std::chrono::nanoseconds due,
           std::chrono::nanoseconds latency);
  // A call that was due and could not be sent before the run was given up.
  void AddUnsent(std::chrono::nanoseconds due);
  void Merge(const LoadTally& other);

  struct Coverage {
    uint64_t answers = 0;
    uint64_t below_one = 0;
    double sum = 0;
    double min = 1;
  };
  using ErrorKey = std::pair<std::string, std::string>;  // gRPC code, reason (may be empty)

  const Histogram& latency() const { return latency_; }  // of calls answered without an error
  uint64_t answered() const { return latency_.count(); }
  uint64_t failed() const { return failed_; }
  uint64_t unsent() const { return unsent_; }
  uint64_t items() const { return items_; }
  uint64_t refused_points() const { return refused_; }
  uint64_t true_wanted() const { return true_wanted_; }
  uint64_t true_found() const { return true_found_; }
  const Coverage& coverage() const { return coverage_; }
  const std::map<ErrorKey, uint64_t>& errors() const { return errors_; }
  const std::vector<IntervalTally>& intervals() const { return intervals_; }
  std::chrono::nanoseconds interval() const { return interval_; }

 private:
  IntervalTally& IntervalOf(std::chrono::nanoseconds due);

  Histogram latency_;
  uint64_t failed_ = 0;
  uint64_t unsent_ = 0;
  uint64_t items_ = 0;
  uint64_t refused_ = 0;
  uint64_t true_wanted_ = 0;
  uint64_t true_found_ = 0;
  Coverage coverage_;
  std::map<ErrorKey, uint64_t> errors_;
  std::vector<IntervalTally> intervals_;
  std::chrono::nanoseconds interval_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_TALLY_H_
