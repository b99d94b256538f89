#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "cli/bench/recall_bench.h"
#include "cli/bench/recall_report.h"
#include "cli/commands/bench_options.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "cli/data/output_file.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr double kTargetMin = 0.5;
constexpr double kTargetMax = 0.999;

struct RecallCommand : RecallBenchOptions {
  std::vector<double> targets;
  int64_t deadline_ms = 10'000;
  std::string json;
  std::string plot;
};

absl::Status Check(const RecallCommand& options) {
  if (uint64_t{options.k} * options.batch > limits::kHitsPerBatchMax) {
    return UsageError("--batch", fmt::format("{} queries of {} hits are more than the {} of one "
                                             "call",
                                             options.batch, options.k, limits::kHitsPerBatchMax));
  }
  for (const double target : options.targets) {
    if (target >= kTargetMin && target <= kTargetMax) continue;
    return UsageError("--targets", fmt::format("{:g} is not between {:g} and {:g}", target,
                                               kTargetMin, kTargetMax));
  }
  return absl::OkStatus();
}

void PrintOne(const RecallReport& report, const RecallBenchOptions& options, Terminal& terminal) {
  terminal.out << fmt::format(
      "recall@{} {:.4f}, {:.0f} queries/s, p50 {:.3f} ms, p99 {:.3f} ms a call of {}\n"
      "{} queries on {} connections in {}, coverage {:.4f}\n"
      "{}: nprobe {:.1f}, {:.2f} % of the points compared, {:.0f} refined, {:.0f} re-ranked a "
      "query\n",
      options.k, report.recall, report.qps, report.p50_ms, report.p99_ms, options.batch,
      WithThousands(report.count), options.threads, ShortDuration(report.seconds), report.coverage,
      report.strategy, report.nprobe, 100 * report.scanned_share, report.refined, report.reranked);
}

absl::StatusOr<std::vector<RecallRow>> RunTargets(const RecallCommand& options,
                                                  Terminal& terminal) {
  std::vector<RecallRow> rows;
  for (const double target : options.targets) {
    RecallBenchOptions bench = options;
    bench.deadline = std::chrono::milliseconds(options.deadline_ms);
    bench.target_recall = target;
    KITH_ASSIGN_OR_RETURN(RecallReport report, RunRecallBench(bench, terminal));
    rows.push_back({std::move(bench), std::move(report)});
  }
  return rows;
}

absl::Status RunRecall(const RecallCommand& options, Terminal& terminal) {
  KITH_RETURN_IF_ERROR(Check(options));
  std::vector<RecallRow> rows;
  if (options.targets.empty()) {
    RecallBenchOptions bench = options;
    bench.deadline = std::chrono::milliseconds(options.deadline_ms);
    KITH_ASSIGN_OR_RETURN(RecallReport report, RunRecallBench(bench, terminal));
    rows.push_back({std::move(bench), std::move(report)});
    if (options.json != "-") PrintOne(rows[0].report, rows[0].options, terminal);
    KITH_RETURN_IF_ERROR(
        WriteJson(ToJson(rows[0].report, rows[0].options), options.json, terminal));
  } else {
    KITH_ASSIGN_OR_RETURN(rows, RunTargets(options, terminal));
    if (options.json != "-") PrintRecallTable(rows, terminal.out);
    KITH_RETURN_IF_ERROR(WriteJson(RecallTableJson(rows), options.json, terminal));
  }
  return options.plot.empty() ? absl::OkStatus() : WriteWholeFile(options.plot, RecallSvg(rows));
}

}  // namespace

void AddBenchRecall(CLI::App& group, Action& action) {
  auto options = std::make_shared<RecallCommand>();
  CLI::App* command = group.add_subcommand("recall", "Recall, rate and latency of searches");
  AddEndpoint(*command, options->endpoint);
  AddTruthQueries(*command, *options);
  command
      ->add_option("--targets", options->targets,
                   "Measure at each of these target recalls, as 0.8,0.9,0.95,0.99")
      ->delimiter(',')
      ->excludes("--nprobe")
      ->excludes("--target-recall")
      ->excludes("--exact");
  command->add_option("--threads", options->threads, "Connections, one call at a time on each")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--batch", options->batch, "Queries a call; above 1 through SearchBatch")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kQueriesMax));
  command->add_option("--count", options->count,
                      "Queries to time; each of the file once by default");
  command->add_option("--warmup", options->warmup, "Queries before the clock starts")
      ->capture_default_str()
      ->expected(0, 1);
  command->add_option("--deadline-ms", options->deadline_ms, "Of a call")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, limits::kDeadlineMsMax));
  AddJson(*command, options->json);
  AddPlot(*command, options->plot);
  command->footer(
      "Work per query (nprobe, points compared, refined, re-ranked) comes from up to 200 queries\n"
      "asked once more with explain, after the timed ones.\n"
      "Examples:\n"
      "  kith bench recall --collection sift --queries sift1m.query.u8bin \\\n"
      "    --truth sift1m.gt.ibin --k 10 --threads 2 --json recall.json\n"
      "  kith bench recall --collection sift --queries sift1m.query.u8bin \\\n"
      "    --truth sift1m.gt.ibin --k 10 --targets 0.8,0.9,0.95,0.99 --plot recall.svg");
  OnParsed(*command, action, options, RunRecall);
}

}  // namespace kith::cli
