#ifndef KITH_CLI_COMMANDS_COMMANDS_H_
#define KITH_CLI_COMMANDS_COMMANDS_H_

#include <functional>
#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "absl/status/status.h"
#include "cli/client/connection.h"
#include "cli/console/terminal.h"

namespace kith::cli {

// What the command line asked for; set by the subcommand that was chosen.
using Action = std::function<absl::Status(Terminal&)>;

// Each adds its subcommands to `app`; when one is parsed it sets `action`, which then outlives the
// parser. Bad options end in CLI::ParseError while parsing.
void AddAliasCommands(CLI::App& app, Action& action);
void AddCollectionCommands(CLI::App& app, Action& action);
void AddUpdateCommand(CLI::App& group, Action& action);         // of `kith collection`
void AddPayloadIndexCommands(CLI::App& group, Action& action);  // likewise
void AddIndexCommands(CLI::App& app, Action& action);
void AddImportCommand(CLI::App& app, Action& action);
void AddExportCommand(CLI::App& app, Action& action);
void AddPointCommands(CLI::App& app, Action& action);
void AddPayloadCommands(CLI::App& app, Action& action);
void AddScrollCommands(CLI::App& app, Action& action);
void AddSearchCommand(CLI::App& app, Action& action);
void AddFindDuplicatesCommand(CLI::App& app, Action& action);
void AddStatusCommand(CLI::App& app, Action& action);
void AddBackupCommands(CLI::App& app, Action& action);
void AddBenchCommands(CLI::App& app, Action& action);
void AddDatasetCommands(CLI::App& app, Action& action);
void AddFsckCommand(CLI::App& app, Action& action);

inline void AddEndpoint(CLI::App& command, std::string& endpoint) {
  endpoint = kDefaultEndpoint;
  command.add_option("--endpoint", endpoint, "HOST:PORT of the server")->capture_default_str();
}

inline void AddJson(CLI::App& command, std::string& target) {
  command.add_option("--json", target, "Write the result as JSON to this file, or to - (stdout)");
}

// Runs `run(options, terminal)` when `command` is the one chosen.
template <typename Options, typename Run>
void OnParsed(CLI::App& command, Action& action, std::shared_ptr<Options> options, Run run) {
  command.callback([&action, options, run] {
    action = [options, run](Terminal& terminal) { return run(*options, terminal); };
  });
}

}  // namespace kith::cli

#endif  // KITH_CLI_COMMANDS_COMMANDS_H_
