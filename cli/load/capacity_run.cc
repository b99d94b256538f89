#include "cli/load/capacity_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "cli/console/interrupt.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr double kFailedShareMax = 0.001;
constexpr double kAnsweredShareMin = 0.97;
constexpr int kConfirmationsMax = 4;
constexpr double kStepBack = 0.93;  // where a rate is not confirmed

CapacityStep Judge(LoadReport report, const LatencyTarget& target) {
  CapacityStep step{std::move(report), "", false};
  const LoadReport& of = step.report;
  const double due = static_cast<double>(std::max<uint64_t>(1, of.counts.due));
  const double length = std::chrono::duration<double>(of.options.duration).count();
  const uint64_t latency = of.counts.kinds.front().latency().Percentile(target.share);
  if (static_cast<double>(of.Failed()) > kFailedShareMax * due) {
    step.why_not = fmt::format("{:.2f} % failed", 100 * static_cast<double>(of.Failed()) / due);
  } else if (latency > target.nanoseconds) {
    step.why_not = fmt::format("{:.2f} ms", static_cast<double>(latency) / 1e6);
  } else if (of.AchievedRate() < kAnsweredShareMin * due / length) {
    step.why_not = fmt::format("only {:.0f} a second were answered", of.AchievedRate());
  }
  if (of.ClientKeptSchedule()) return step;
  step.client_limited = true;
  if (step.why_not.empty()) step.why_not = "the client did not keep the schedule";
  return step;
}

// Threads: one at a time.
class Capacity {
 public:
  Capacity(const CapacityOptions& options, LoadMeasure measure, std::ostream& progress)
      : options_(options), measure_(measure), progress_(progress), search_(options.search) {}

  absl::StatusOr<CapacityReport> Find() {
    while (const auto rate = search_.Next()) {
      KITH_RETURN_IF_ERROR(Try({*rate, options_.load.duration}));
    }
    double rate = search_.best();
    for (int i = 0; i < kConfirmationsMax && rate >= options_.search.min; ++i) {
      KITH_RETURN_IF_ERROR(Try({rate, 2 * options_.load.duration}));
      if (report_.steps.back().why_not.empty()) {
        report_.rate = rate;
        break;
      }
      rate *= kStepBack;
    }
    const auto first_failed =
        std::min_element(report_.steps.begin(), report_.steps.end(), LowerFailure);
    report_.client_limited = first_failed != report_.steps.end() && first_failed->client_limited;
    return std::move(report_);
  }

 private:
  struct Attempt {
    double rate;
    std::chrono::nanoseconds duration;
  };

  // The lowest rate that was not sustained comes first.
  static bool LowerFailure(const CapacityStep& a, const CapacityStep& b) {
    return std::pair(a.why_not.empty(), a.report.options.rate) <
           std::pair(b.why_not.empty(), b.report.options.rate);
  }

  absl::Status Try(const Attempt& attempt) {
    LoadOptions load = options_.load;
    load.rate = attempt.rate;
    load.duration = attempt.duration;
    KITH_ASSIGN_OR_RETURN(LoadReport measured, measure_(load));
    report_.steps.push_back(Judge(std::move(measured), options_.target));
    const CapacityStep& step = report_.steps.back();
    step.why_not.empty() ? search_.Sustained(attempt.rate) : search_.NotSustained(attempt.rate);
    progress_ << fmt::format("{:.0f} calls/s: {}\n", attempt.rate,
                             step.why_not.empty() ? "sustained" : "no, " + step.why_not);
    return absl::OkStatus();
  }

  const CapacityOptions& options_;
  const LoadMeasure measure_;
  std::ostream& progress_;
  RateSearch search_;
  CapacityReport report_;
};

}  // namespace

absl::StatusOr<CapacityReport> FindCapacity(const CapacityOptions& options, LoadMeasure measure,
                                            std::ostream& progress) {
  return Capacity(options, measure, progress).Find();
}

absl::StatusOr<CapacityReport> RunCapacity(const CapacityOptions& options, Terminal& terminal) {
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const LoadRunner runner, LoadRunner::Open(options.load));
  // A log gets a line a rate, and not the progress of each.
  std::ostringstream ignored;
  Terminal quiet{terminal.in, terminal.out, ignored, terminal.in_is_tty, false};
  Terminal& shown = terminal.err_is_tty ? terminal : quiet;
  const auto run = [&](const LoadOptions& load) { return runner.Run(load, interrupt, shown); };
  return FindCapacity(options, run, terminal.err);
}

}  // namespace kith::cli
