#include "cli/bench/recall_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "cli/bench/query_set.h"
#include "cli/bench/search_caller.h"
#include "cli/client/connection.h"
#include "cli/client/fetch_collection.h"
#include "cli/client/wire.h"
#include "cli/console/progress.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr uint64_t kExplainedMax = 200;

// Deals the queries out to the connections, each taking the next when its last is answered.
// Threads: one at a time; Work on each of its own.
class TimedRun {
 public:
  TimedRun(std::vector<std::unique_ptr<SearchCaller>>& callers, uint64_t count, uint32_t batch)
      : callers_(callers), count_(count), batch_(batch) {}

  absl::StatusOr<SearchTally> Run(Progress* progress) {
    begin_ = steady_clock::now();
    std::vector<SearchTally> tallies(callers_.size());
    std::vector<std::thread> threads;
    for (size_t i = 0; i < callers_.size(); ++i) {
      threads.emplace_back([this, i, &tallies] {
        Work(*callers_[i], tallies[i]);
        tallies[i].finished = steady_clock::now();
      });
    }
    while (progress != nullptr && done_ < count_ && !failed_) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      progress->Update(State());
    }
    for (std::thread& thread : threads) thread.join();
    if (failed_) return failure_;
    SearchTally all;
    for (const SearchTally& tally : tallies) all.Merge(tally);
    return all;
  }

  // From the first call to the end of the last.
  double SecondsOf(const SearchTally& tally) const {
    return std::chrono::duration<double>(tally.finished - begin_).count();
  }

  Progress::State State() const {
    const uint64_t done = done_;
    return {static_cast<double>(done) / static_cast<double>(std::max<uint64_t>(1, count_)),
            WithThousands(done) + " queries"};
  }

 private:
  void Work(SearchCaller& caller, SearchTally& tally) {
    while (!failed_) {
      uint64_t first = next_.fetch_add(batch_);
      const uint64_t end = std::min(count_, first + batch_);
      if (first >= end) return;
      while (first < end) {
        uint64_t count = end - first;
        if (const absl::Status status = caller.Ask(first, count, tally); !status.ok()) {
          Fail(status);
          return;
        }
        first += count;
        done_ += count;
      }
    }
  }
  void Fail(const absl::Status& status) {
    const std::lock_guard lock(mutex_);
    if (!failed_) failure_ = status;
    failed_ = true;
  }

  std::vector<std::unique_ptr<SearchCaller>>& callers_;
  const uint64_t count_;
  const uint64_t batch_;
  std::atomic<uint64_t> next_{0};
  std::atomic<uint64_t> done_{0};
  std::atomic<bool> failed_{false};
  std::mutex mutex_;
  absl::Status failure_;
  steady_clock::time_point begin_;
};

absl::Status ExplainSample(SearchCaller& caller, const QuerySet& queries, RecallReport& report) {
  const uint64_t sample = std::min(queries.size(), kExplainedMax);
  double compared_share = 0;
  uint64_t nprobe = 0, refined = 0, reranked = 0;
  for (uint64_t i = 0; i < sample; ++i) {
    KITH_ASSIGN_OR_RETURN(const v1::Explanation told, caller.Explain(i * queries.size() / sample));
    const auto points = static_cast<double>(std::max<uint64_t>(1, told.points_total()));
    compared_share += static_cast<double>(told.rows_scanned() + told.rows_exact()) / points;
    nprobe += told.nprobe();
    refined += told.rows_refined();
    reranked += told.rows_reranked();
    report.strategy = told.strategy();
    if (told.has_target_recall_reached()) report.target_reached = told.target_recall_reached();
  }
  const auto queries_asked = static_cast<double>(sample);
  report.scanned_share = compared_share / queries_asked;
  report.nprobe = static_cast<double>(nprobe) / queries_asked;
  report.refined = static_cast<double>(refined) / queries_asked;
  report.reranked = static_cast<double>(reranked) / queries_asked;
  report.explained = sample;
  return absl::OkStatus();
}

RecallReport ReportOf(SearchTally& tally, double seconds, uint32_t k) {
  RecallReport report;
  const auto queries = static_cast<double>(std::max<uint64_t>(1, tally.queries));
  report.recall = static_cast<double>(tally.found) / (queries * k);
  report.qps = queries / seconds;
  report.p50_ms = tally.latencies.PercentileMs(0.50);
  report.p90_ms = tally.latencies.PercentileMs(0.90);
  report.p95_ms = tally.latencies.PercentileMs(0.95);
  report.p99_ms = tally.latencies.PercentileMs(0.99);
  report.p99_9_ms = tally.latencies.PercentileMs(0.999);
  report.max_ms = tally.latencies.PercentileMs(1);
  report.coverage = tally.coverage_sum / queries;
  report.coverage_min = tally.coverage_min;
  report.index_version = tally.index_version;
  report.score_kind = tally.score_kind == v1::SCORE_KIND_EXACT       ? "exact"
                      : tally.score_kind == v1::SCORE_KIND_QUANTIZED ? "quantized"
                                                                     : "unknown";
  report.count = tally.queries;
  report.seconds = seconds;
  return report;
}

absl::StatusOr<VectorSchema> FetchSchema(const RecallBenchOptions& options) {
  KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
  KITH_ASSIGN_OR_RETURN(const v1::Collection collection,
                        FetchCollection(channel, options.collection));
  return SchemaOf(collection);
}

}  // namespace

absl::StatusOr<RecallReport> RunRecallBench(const RecallBenchOptions& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const VectorSchema schema, FetchSchema(options));
  KITH_ASSIGN_OR_RETURN(
      const QuerySet queries,
      QuerySet::Load({options.queries, options.truth, options.k, options.first_id}, schema));
  std::vector<std::unique_ptr<SearchCaller>> callers;
  for (uint32_t i = 0; i < options.threads; ++i) {
    KITH_ASSIGN_OR_RETURN(const auto channel, OpenChannel(options.endpoint));
    // Opened here, outside the measured time; a failure shows in the first call.
    (void)channel->WaitForConnected(std::chrono::system_clock::now() + kCallDeadline);
    callers.push_back(std::make_unique<SearchCaller>(options, queries, channel));
  }
  KITH_RETURN_IF_ERROR(TimedRun(callers, options.warmup, options.batch).Run(nullptr).status());
  const uint64_t count = options.count == 0 ? queries.size() : options.count;
  TimedRun run(callers, count, options.batch);
  Progress progress("bench", terminal);
  KITH_ASSIGN_OR_RETURN(SearchTally tally, run.Run(&progress));
  RecallReport report = ReportOf(tally, run.SecondsOf(tally), options.k);
  progress.Finish(run.State());
  KITH_RETURN_IF_ERROR(ExplainSample(*callers.front(), queries, report));
  return report;
}

Json ToJson(const RecallReport& report, const RecallBenchOptions& options) {
  Json json = {{"recall", report.recall},
               {"qps", report.qps},
               {"p50_ms", report.p50_ms},
               {"p90_ms", report.p90_ms},
               {"p95_ms", report.p95_ms},
               {"p99_ms", report.p99_ms},
               {"p99_9_ms", report.p99_9_ms},
               {"max_ms", report.max_ms},
               {"coverage", report.coverage},
               {"coverage_min", report.coverage_min},
               {"nprobe", report.nprobe},
               {"scanned_share", report.scanned_share},
               {"refined", report.refined},
               {"reranked", report.reranked},
               {"threads", options.threads},
               {"batch", options.batch},
               {"k", options.k},
               {"count", report.count},
               {"seconds", report.seconds},
               {"explained", report.explained},
               {"strategy", report.strategy},
               {"score_kind", report.score_kind},
               {"index_version", report.index_version},
               {"collection", options.collection}};
  if (report.target_reached) json["target_reached"] = *report.target_reached;
  return json;
}

}  // namespace kith::cli
