#include "cli/load/load_run.h"

#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <utility>

#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "cli/load/units.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::nanoseconds;
using std::chrono::steady_clock;

constexpr int64_t kIntervalsMax = 120;
constexpr nanoseconds kIntervalMin = std::chrono::milliseconds(250);
constexpr std::chrono::milliseconds kLook{50};
constexpr std::chrono::milliseconds kStartDelay{20};
// The client's own delay that does not matter: this long, or this share of the latencies' p99.
constexpr double kLagAllowedNs = 1e6;
constexpr double kLagAllowedShare = 0.1;

double ProcessorSeconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  const auto seconds = [](const timeval& time) {
    return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

// So that the series of a run has at most kIntervalsMax points.
nanoseconds IntervalFor(nanoseconds duration) {
  const int64_t factor = (duration / kIntervalMin + kIntervalsMax - 1) / kIntervalsMax;
  return kIntervalMin * std::max<int64_t>(1, factor);
}

absl::StatusOr<std::vector<LoadConnection>> OpenConnections(const LoadOptions& options) {
  std::vector<LoadConnection> connections;
  for (uint32_t i = 0; i < options.connections; ++i) {
    KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
    // Opened before the clock starts; a failure shows in the calls.
    (void)channel->WaitForConnected(std::chrono::system_clock::now() + kCallDeadline);
    connections.emplace_back(channel);
  }
  return connections;
}

using Workers = std::vector<std::unique_ptr<LoadWorker>>;

Workers MakeWorkers(const LoadPlan& plan, std::vector<LoadConnection> connections) {
  std::vector<std::vector<LoadConnection>> dealt(plan.workers);
  for (size_t i = 0; i < connections.size(); ++i) {
    dealt[i % plan.workers].push_back(std::move(connections[i]));
  }
  Workers workers;
  for (uint32_t i = 0; i < plan.workers; ++i) {
    workers.push_back(std::make_unique<LoadWorker>(plan, i, std::move(dealt[i])));
  }
  return workers;
}

LoadCounts CountsOf(const Workers& workers) {
  LoadCounts all;
  for (const auto& worker : workers) all.Merge(worker->Counts());
  return all;
}

LoadGlance GlanceAt(const Workers& workers) {
  LoadGlance all;
  for (const auto& worker : workers) all.Merge(worker->Glance());
  return all;
}

// One line: how far, how fast, how slow.
Progress::State StateOf(const LoadPlan& plan, const LoadGlance& glance) {
  const nanoseconds passed = steady_clock::now() - plan.clock.begin;
  const double share =
      std::min(1.0, Seconds(passed) / Seconds(plan.clock.warmup + plan.clock.duration));
  if (passed < plan.clock.warmup) return {share, "warming up"};
  std::string kinds;
  uint64_t answered = 0;
  for (size_t i = 0; i < glance.latencies.size(); ++i) {
    const Histogram& latency = glance.latencies[i];
    answered += latency.count();
    kinds += fmt::format(", {} p50 {:.2f} p99 {:.2f} max {:.1f} ms", plan.options.mix[i].Name(),
                         Milliseconds(latency.Percentile(0.5)),
                         Milliseconds(latency.Percentile(0.99)), Milliseconds(latency.max()));
  }
  const double seconds =
      std::clamp(Seconds(passed - plan.clock.warmup), 0.05, Seconds(plan.clock.duration));
  return {share, fmt::format("{:.0f} calls/s{}, {} failed, {} in flight",
                             static_cast<double>(answered) / seconds, kinds, glance.failed,
                             glance.in_flight)};
}

absl::Status Follow(const LoadPlan& plan, const Workers& workers, InterruptWatch& interrupt,
                    Terminal& terminal) {
  Progress progress("bench load", terminal);
  const auto finished = [&] {
    return std::all_of(workers.begin(), workers.end(),
                       [](const auto& worker) { return worker->finished(); });
  };
  while (!finished()) {
    std::this_thread::sleep_for(kLook);
    if (interrupt.interrupted()) {
      for (const auto& worker : workers) worker->Cancel();
      return absl::CancelledError("interrupted: nothing was reported");
    }
    progress.UpdateFrom([&] { return StateOf(plan, GlanceAt(workers)); });
  }
  progress.Finish(StateOf(plan, GlanceAt(workers)));
  return absl::OkStatus();
}

}  // namespace

uint64_t LoadReport::Answered() const {
  uint64_t answered = 0;
  for (const LoadTally& tally : counts.kinds) answered += tally.answered();
  return answered;
}

uint64_t LoadReport::Failed() const {
  uint64_t failed = 0;
  for (const LoadTally& tally : counts.kinds) failed += tally.failed() + tally.unsent();
  return failed;
}

double LoadReport::AchievedRate() const {
  return static_cast<double>(Answered()) / std::max(seconds, 1e-9);
}

bool LoadReport::ClientKeptSchedule() const {
  uint64_t slowest_p99 = 0;
  for (const LoadTally& tally : counts.kinds) {
    slowest_p99 = std::max(slowest_p99, tally.latency().Percentile(0.99));
  }
  const double allowed =
      std::max(kLagAllowedNs, kLagAllowedShare * static_cast<double>(slowest_p99));
  return static_cast<double>(counts.lag.Percentile(0.99)) <= allowed;
}

absl::StatusOr<LoadRunner> LoadRunner::Open(const LoadOptions& options) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        FetchCollection(channel, options.collection));
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, SchemaOf(collection));
  LoadRunner runner;
  KITH_ASSIGN_OR_RETURN(runner.traffic_, LoadTrafficFor(options, schema));
  runner.points_ = collection.points();
  runner.dimension_ = collection.dimension();
  runner.serving_version_ = collection.serving_version();
  return runner;
}

absl::StatusOr<LoadReport> LoadRunner::Run(const LoadOptions& options, InterruptWatch& interrupt,
                                           Terminal& terminal) const {
  KITH_ASSIGN_OR_RETURN(std::vector<LoadConnection> connections, OpenConnections(options));
  LoadPlan plan{options,
                traffic_,
                {},
                IntervalFor(options.duration),
                std::min(options.threads, options.connections)};
  plan.clock = {steady_clock::now() + kStartDelay, options.warmup, options.duration};
  const Workers workers = MakeWorkers(plan, std::move(connections));
  const double used_before = ProcessorSeconds();
  const auto begin = steady_clock::now();
  for (const auto& worker : workers) worker->Start();
  const absl::Status followed = Follow(plan, workers, interrupt, terminal);
  for (const auto& worker : workers) worker->Join();
  KITH_RETURN_IF_ERROR(followed);

  LoadReport report;
  report.options = options;
  report.counts = CountsOf(workers);
  const nanoseconds last = report.counts.last_answer - plan.clock.counted();
  report.seconds = Seconds(std::max(last, options.duration));
  report.client_cores = (ProcessorSeconds() - used_before) / Seconds(steady_clock::now() - begin);
  report.points = points_;
  report.dimension = dimension_;
  report.serving_version = serving_version_;
  return report;
}

}  // namespace kith::cli
