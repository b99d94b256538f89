#include "cli/command_line.h"

#include <CLI/CLI.hpp>

#include "cli/commands/commands.h"

namespace kith::cli {

// The one place that catches: CLI11 reports bad command lines, and --help, by throwing.
int RunCommandLine(int count, const char* const* words, Terminal& terminal) {
  CLI::App app("kith: vectors in, neighbours out. Talks to a kithd server over gRPC.", "kith");
  app.set_version_flag("--version", "kith " KITH_VERSION);
  app.require_subcommand(1);
  app.footer(
      "Exit codes: 0 done, 1 the server or the run failed, 2 the command line is wrong.\n"
      "First steps:\n"
      "  kith collection create demo --dimension 80 --metric l2 --dtype f32\n"
      "  kith import demo demo.base.fbin\n"
      "  kith collection train demo\n"
      "  kith search demo --queries demo.query.fbin --row 0");
  Action action;
  AddCollectionCommands(app, action);
  AddImportCommand(app, action);
  AddPointCommands(app, action);
  AddSearchCommand(app, action);
  AddStatusCommand(app, action);
  AddBenchCommands(app, action);
  AddDatasetCommands(app, action);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, terminal.out, terminal.err) == 0 ? kExitOk : kExitUsage;
  }
  return ReportStatus(action(terminal), terminal);
}

}  // namespace kith::cli
