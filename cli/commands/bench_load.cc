#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>

#include "cli/commands/bench_options.h"
#include "cli/console/interrupt.h"
#include "cli/console/json_output.h"
#include "cli/data/output_file.h"
#include "cli/dataset/parallel.h"
#include "cli/load/capacity_run.h"
#include "cli/load/load_report.h"
#include "cli/load/load_run.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr double kRateMax = 10e6;
constexpr double kDurationMaxS = 7 * 24 * 3600;

struct LoadCommand : LoadOptions {
  std::string mix_text = "search=1";
  std::string arrivals_text = "constant";
  double duration_s = 30;
  double warmup_s = 3;
  int64_t deadline_ms = 10'000;
  uint32_t threads_asked = 0;
  std::string json;
  std::string plot;
};

struct CapacityCommand : LoadCommand {
  std::string target;
  double first_rate = 200;
  double max_rate = 1e6;
  double step_s = 5;
};

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

// As many as the connections can use, and half of the cores: the server may need the others.
uint32_t DefaultThreads(uint32_t connections) {
  return std::min(connections, std::max(1u, Cores() / 2));
}

absl::Status CheckMix(const LoadOptions& options) {
  for (const MixPart& part : options.mix) {
    if (part.kind == CallKind::kSearchBatch &&
        uint64_t{part.items} * options.search.k > limits::kHitsPerBatchMax) {
      return UsageError("--mix",
                        fmt::format("{} with --k {} asks for more than the {} hits of one "
                                    "call; make one of them smaller",
                                    part.Name(), options.search.k, limits::kHitsPerBatchMax));
    }
  }
  return absl::OkStatus();
}

// Everything but the rate.
absl::StatusOr<LoadOptions> Prepared(const LoadCommand& command) {
  LoadOptions options = command;
  KITH_ASSIGN_OR_RETURN(options.mix, ParseMix(command.mix_text));
  KITH_RETURN_IF_ERROR(CheckMix(options));
  if (command.arrivals_text == "poisson") {
    options.arrivals = Arrivals::kPoisson;
  } else if (command.arrivals_text != "constant") {
    return UsageError("--arrivals",
                      fmt::format("\"{}\" is none of constant, poisson", command.arrivals_text));
  }
  options.duration = FromSeconds(command.duration_s);
  options.warmup = FromSeconds(command.warmup_s);
  options.deadline = std::chrono::milliseconds(command.deadline_ms);
  options.threads =
      command.threads_asked == 0 ? DefaultThreads(options.connections) : command.threads_asked;
  return options;
}

absl::Status WritePlot(const std::string& svg, const std::string& target) {
  return target.empty() ? absl::OkStatus() : WriteWholeFile(target, svg);
}

absl::Status RunLoadCommand(const LoadCommand& command, Terminal& terminal) {
  if ((command.rate > 0) == (command.closed > 0)) {
    return UsageError("--rate",
                      "give either --rate (calls a second, open loop) or --closed (calls "
                      "in flight, closed loop)");
  }
  if (command.closed > 0 && command.arrivals_text != "constant") {
    return UsageError("--arrivals", "a closed loop has no arrivals; leave it out, or give --rate");
  }
  KITH_ASSIGN_OR_RETURN(const LoadOptions options, Prepared(command));
  InterruptWatch interrupt;
  KITH_ASSIGN_OR_RETURN(const LoadRunner runner, LoadRunner::Open(options));
  KITH_ASSIGN_OR_RETURN(const LoadReport report, runner.Run(options, interrupt, terminal));
  if (command.json != "-") terminal.out << ToText(report);
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(report), command.json, terminal));
  KITH_RETURN_IF_ERROR(WritePlot(ToSvg(report), command.plot));
  if (report.Answered() > 0) return absl::OkStatus();
  return absl::UnavailableError("no call was answered; the lines above say how they failed");
}

absl::Status RunCapacityCommand(const CapacityCommand& command, Terminal& terminal) {
  CapacityOptions options;
  KITH_ASSIGN_OR_RETURN(options.load, Prepared(command));
  KITH_ASSIGN_OR_RETURN(options.target, ParseLatencyTarget(command.target));
  options.load.duration = FromSeconds(command.step_s);
  options.search.first = command.first_rate;
  options.search.max = std::max(command.first_rate, command.max_rate);
  KITH_ASSIGN_OR_RETURN(const CapacityReport report, RunCapacity(options, terminal));
  if (command.json != "-") terminal.out << ToText(report, options);
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(report, options), command.json, terminal));
  KITH_RETURN_IF_ERROR(WritePlot(ToSvg(report, options), command.plot));
  if (report.rate > 0) return absl::OkStatus();
  return absl::UnknownError("no rate kept the target: allow more time, or ask for less recall");
}

void AddTraffic(CLI::App& command, LoadCommand& options) {
  AddEndpoint(command, options.endpoint);
  command.add_option("--collection", options.collection, "The collection")->required();
  command.add_option("--queries", options.queries, "A file of vectors, asked over and over")
      ->required();
  command.add_option("--truth", options.truth,
                     "Their true neighbours: recall under load, of a quarter of the answers");
  command.add_option("--first-id", options.first_id, "Id of row 0 of the base file of the truth")
      ->capture_default_str();
  AddSearchChoice(command, options.search);
  command
      .add_option("--min-coverage", options.min_coverage,
                  "Answers of less of the points are errors; others are counted")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--mix", options.mix_text,
                  "Kinds of calls and their shares: search, search_batch:N, upsert:N")
      ->capture_default_str();
  command.add_option("--upsert-vectors", options.upsert_vectors,
                     "Points that upserts write, each always under its own id, over and over");
  command.add_option("--upsert-first-id", options.upsert_first_id, "Id of their row 0")
      ->capture_default_str();
  command.add_option("--upsert-rows", options.upsert_rows, "At most so many of them")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{1}, uint64_t{1} << 32));
}

void AddClient(CLI::App& command, LoadCommand& options) {
  command.add_option("--warmup", options.warmup_s, "Seconds of the same load before any counts")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 3600.0));
  command.add_option("--arrivals", options.arrivals_text, "constant or poisson")
      ->capture_default_str();
  command.add_option("--connections", options.connections, "Connections")
      ->capture_default_str()
      ->check(CLI::Range(1, 4096));
  command
      .add_option("--threads", options.threads_asked,
                  "Pairs of a sending and a receiving thread; half of the cores by default")
      ->check(CLI::Range(1, 256));
  command
      .add_option("--in-flight-max", options.in_flight_max,
                  "Calls in flight; what is due beyond them waits, and the waiting counts")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1u << 20));
  command.add_option("--deadline-ms", options.deadline_ms, "Of a call, from its sending")
      ->capture_default_str()
      ->check(CLI::Range(int64_t{1}, limits::kDeadlineMsMax));
  command.add_option("--seed", options.seed, "Of the draws")->capture_default_str();
  AddJson(command, options.json);
  AddPlot(command, options.plot);
}

}  // namespace

void AddBenchLoad(CLI::App& group, Action& action) {
  auto options = std::make_shared<LoadCommand>();
  CLI::App* command =
      group.add_subcommand("load", "Latency and errors under a load of searches and writes");
  AddTraffic(*command, *options);
  command->add_option("--rate", options->rate, "Calls a second, answered or not (open loop)")
      ->check(CLI::Range(0.001, kRateMax));
  command->add_option("--closed", options->closed, "Calls in flight instead (closed loop)")
      ->check(CLI::Range(1u, 1u << 16));
  command->add_option("--duration", options->duration_s, "Seconds, after the warm-up")
      ->capture_default_str()
      ->check(CLI::Range(0.1, kDurationMaxS));
  AddClient(*command, *options);
  command->footer(
      "With --rate, latency counts from when a call was due, whether or not the server let it be\n"
      "sent then; a server that stands still for a second shows it in every call of that second.\n"
      "With --closed it counts from the sending: that hides such stalls, and measures throughput.\n"
      "Examples:\n"
      "  kith bench load --collection sift --queries sift1m.query.u8bin --truth sift1m.gt.ibin \\\n"
      "    --rate 1000 --duration 60 --connections 4 --json load.json --plot load.svg\n"
      "  kith bench load --collection sift --queries q.u8bin --rate 500 --arrivals poisson \\\n"
      "    --mix search=0.9,search_batch:64=0.05,upsert:256=0.05 --upsert-vectors base.u8bin");
  OnParsed(*command, action, options, RunLoadCommand);
}

void AddBenchCapacity(CLI::App& group, Action& action) {
  auto options = std::make_shared<CapacityCommand>();
  options->warmup_s = 1;
  CLI::App* command =
      group.add_subcommand("capacity", "The highest rate at which a latency target holds");
  AddTraffic(*command, *options);
  command->add_option("--target", options->target, "Such as p99=20ms, of the first kind of --mix")
      ->required();
  command->add_option("--first-rate", options->first_rate, "Calls a second to begin with")
      ->capture_default_str()
      ->check(CLI::Range(1.0, kRateMax));
  command->add_option("--max-rate", options->max_rate, "Not higher")
      ->capture_default_str()
      ->check(CLI::Range(1.0, kRateMax));
  command->add_option("--step-s", options->step_s, "Seconds of each rate; confirmed by twice that")
      ->capture_default_str()
      ->check(CLI::Range(0.5, 3600.0));
  AddClient(*command, *options);
  command->footer(
      "Doubles the rate until the target is missed, more than 0.1 % fail or less than 97 % is\n"
      "answered in time, then halves the distance until it is known to 5 %.\n"
      "Example:\n"
      "  kith bench capacity --collection sift --queries q.u8bin --target p99=20ms \\\n"
      "    --connections 4 --json capacity.json --plot capacity.svg");
  OnParsed(*command, action, options, RunCapacityCommand);
}

}  // namespace kith::cli
