#include <fmt/format.h>

#include <memory>

#include "cli/bench/agreement_bench.h"
#include "cli/bench/recall_bench.h"
#include "cli/bench/write_bench.h"
#include "cli/commands/bench_options.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

struct AgreeCommand : AgreementOptions {
  std::string json;
};

absl::Status RunAgree(const AgreeCommand& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const AgreementReport report, RunAgreementBench(options, terminal));
  if (options.json != "-") {
    terminal.out << fmt::format(
        "recall@{} {:.4f} and {:.4f} over {} queries\n"
        "{} answered alike, {:.3f} % of the ids in both, {} of them with another score\n",
        options.first.k, report.recall, report.other_recall, WithThousands(report.queries),
        WithThousands(report.identical), 100 * report.shared, report.score_mismatches);
  }
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(report, options), options.json, terminal));
  if (report.score_mismatches == 0) return absl::OkStatus();
  return absl::UnknownError(
      fmt::format("{} points have another score on the other server", report.score_mismatches));
}

struct WriteCommand : WriteBenchOptions {
  std::string json;
};

absl::Status RunWrite(const WriteCommand& options, Terminal& terminal) {
  KITH_ASSIGN_OR_RETURN(const WriteReport report, RunWriteBench(options, terminal));
  if (options.json != "-") {
    terminal.out << fmt::format(
        "{:.0f} rows/s, p50 {:.3f} ms, p99 {:.3f} ms a call of {}\n{} rows in {}, {} refused, {} "
        "retries\n",
        report.rows_per_s, report.p50_ms, report.p99_ms, options.batch, WithThousands(report.rows),
        ShortDuration(report.seconds), report.errors, report.retries);
  }
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(report, options), options.json, terminal));
  if (report.errors == 0) return absl::OkStatus();
  return absl::UnknownError(fmt::format("{} rows were refused", report.errors));
}

void AddAgree(CLI::App& group, Action& action) {
  auto options = std::make_shared<AgreeCommand>();
  CLI::App* command =
      group.add_subcommand("agree", "Compare the answers of two servers that hold the same points");
  AddEndpoint(*command, options->first.endpoint);
  command->add_option("--other", options->other_endpoint, "HOST:PORT of the second server")
      ->required();
  command->add_option("--other-collection", options->other_collection,
                      "The collection there, where it has another name");
  AddTruthQueries(*command, options->first);
  command->add_option("--count", options->first.count, "Queries to ask; all by default");
  AddJson(*command, options->json);
  command->footer(
      "Ends with an error where a point found by both has a score that differs in a bit.\n"
      "Example:\n"
      "  kith bench agree --other 127.0.0.1:17430 --collection sift \\\n"
      "    --queries sift1m.query.u8bin --truth sift1m.gt.ibin --k 10 --json agree.json");
  OnParsed(*command, action, options, RunAgree);
}

void AddWrite(CLI::App& group, Action& action) {
  auto options = std::make_shared<WriteCommand>();
  CLI::App* command = group.add_subcommand("write", "Rate and latency of durable writes");
  AddEndpoint(*command, options->endpoint);
  command->add_option("--collection", options->collection, "The collection")->required();
  command->add_option("--dimension", options->dimension, "Of the collection")->required();
  command->add_option("--rows", options->rows, "Points to write")
      ->required()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 40));
  command->add_option("--batch", options->batch, "Points a call")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kPointsPerCallMax));
  command->add_option("--in-flight", options->in_flight, "Calls under way at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--dtype", options->dtype, "f32, f16 or u8: checked against the collection");
  command->add_option("--first-id", options->first_id, "Id of the first point")
      ->capture_default_str();
  command->add_option("--seed", options->seed, "Of the vectors")->capture_default_str();
  command->add_flag("--request-ids", options->request_ids, "With request ids, as an import has");
  AddJson(*command, options->json);
  command->footer(
      "Example:\n"
      "  kith bench write --collection w --dimension 80 --rows 1000000 --json w.json");
  OnParsed(*command, action, options, RunWrite);
}

}  // namespace

void AddSearchChoice(CLI::App& command, SearchChoice& choice) {
  command.add_option("--k", choice.k, "Neighbours a query")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kLimitMax));
  auto* nprobe = command.add_option("--nprobe", choice.nprobe, "Lists to scan");
  auto* recall = command.add_option("--target-recall", choice.target_recall, "0.5 to 0.999");
  auto* exact = command.add_flag("--exact", choice.exact, "Compare with every point");
  command.add_flag("--batch-priority", choice.is_batch, "Let others' searches go first");
  nprobe->excludes(recall)->excludes(exact);
  recall->excludes(exact);
}

void AddTruthQueries(CLI::App& command, RecallBenchOptions& options) {
  command.add_option("--collection", options.collection, "The collection")->required();
  command.add_option("--queries", options.queries, "A file of vectors")->required();
  command.add_option("--truth", options.truth, "Their true neighbours (`kith dataset truth`)")
      ->required();
  AddSearchChoice(command, options);
  command.get_option("--k")->required();
  command.add_option("--first-id", options.first_id, "Id of row 0 of the base file")
      ->capture_default_str();
}

void AddBenchCommands(CLI::App& app, Action& action) {
  CLI::App* group = app.add_subcommand("bench", "Measure a server through its public interface");
  group->require_subcommand(1);
  AddBenchRecall(*group, action);
  AddBenchLoad(*group, action);
  AddBenchCapacity(*group, action);
  AddAgree(*group, action);
  AddWrite(*group, action);
}

}  // namespace kith::cli
