#ifndef KITH_CLI_COMMANDS_BENCH_OPTIONS_H_
#define KITH_CLI_COMMANDS_BENCH_OPTIONS_H_

#include <CLI/CLI.hpp>

#include "cli/bench/recall_bench.h"
#include "cli/bench/search_choice.h"
#include "cli/commands/commands.h"

namespace kith::cli {

// The subcommands of `kith bench`, one function a file.
void AddBenchRecall(CLI::App& group, Action& action);
void AddBenchLoad(CLI::App& group, Action& action);
void AddBenchCapacity(CLI::App& group, Action& action);

// --k, --nprobe, --target-recall, --exact and --batch-priority.
void AddSearchChoice(CLI::App& command, SearchChoice& choice);
// --collection, --queries, --truth, --first-id and the former.
void AddTruthQueries(CLI::App& command, RecallBenchOptions& options);
inline void AddPlot(CLI::App& command, std::string& target) {
  command.add_option("--plot", target, "Draw the result into this SVG file");
}

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_BENCH_OPTIONS_H_
