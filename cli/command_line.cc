#include "cli/command_line.h"

#include <fmt/format.h>

#include <string>

#include <CLI/CLI.hpp>

#include "cli/client/credentials.h"
#include "cli/commands/commands.h"
#include "cli/commands/key_commands.h"

namespace kith::cli {
namespace {

// The library would take "-1" for 2^64-1 and "010" for 8.
std::string CheckPlainDigits(const std::string& text) {
  const bool plain = !text.empty() && text.find_first_not_of("0123456789") == std::string::npos &&
                     (text.size() == 1 || text[0] != '0');
  if (plain) return "";
  return fmt::format("\"{}\" is no whole number in plain digits (0, 1, 2, ...)", text);
}

// Every number of every command goes through the same check.
void CheckNumbers(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    const std::string type = option->get_type_name();
    const bool whole = type.rfind("UINT", 0) == 0 || type.rfind("INT", 0) == 0;
    // Before the option's own checks, which are of the value.
    if (whole) option->transform(CLI::Validator(CheckPlainDigits, "", "digits"));
  }
  for (CLI::App* command : app.get_subcommands([](CLI::App*) { return true; })) {
    CheckNumbers(*command);
  }
}

const CLI::App& DeepestChosen(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : DeepestChosen(*chosen.front());
}

std::string FullName(const CLI::App& app) {
  const CLI::App* parent = app.get_parent();
  return parent == nullptr ? app.get_name()
                           : fmt::format("{} {}", FullName(*parent), app.get_name());
}

// What is wrong, and where help on just that is.
std::string DescribeFailure(const CLI::App* app, const CLI::Error& error) {
  const CLI::App& command = DeepestChosen(*app);
  const std::string name = FullName(command);
  const auto inner = command.get_subcommands([](const CLI::App*) { return true; });
  std::string text = "kith: ";
  if (command.get_subcommands().empty() && !inner.empty()) {
    const auto words = command.remaining();
    text += words.empty() ? fmt::format("`{}` needs a command:", name)
                          : fmt::format("there is no `{} {}`; there are:", name, words.front());
    for (const CLI::App* one : inner) text += " " + one->get_name();
  } else {
    text += error.what();
  }
  return fmt::format("{}\nRun `{} --help`.\n", text, name);
}

}  // namespace

// The one place that catches: CLI11 reports bad command lines, and --help, by throwing.
int RunCommandLine(int count, const char* const* words, Terminal& terminal) {
  CLI::App app("kith: vectors in, neighbours out. Talks to a kithd server over gRPC.", "kith");
  app.set_version_flag("--version", "kith " KITH_VERSION);
  app.require_subcommand(1);
  app.footer(
      std::string(kEnvironmentHelp) +
      "\nExit codes: 0 done, 1 the server or the run failed, 2 the command line is wrong; fsck\n"
      "has 3 and 4 besides.\n"
      "First steps:\n"
      "  kith collection create demo --dimension 80 --metric l2 --dtype f32\n"
      "  kith import demo demo.base.fbin\n"
      "  kith collection train demo\n"
      "  kith search demo --queries demo.query.fbin --row 0");
  Action action;
  AddCollectionCommands(app, action);
  AddAliasCommands(app, action);
  AddIndexCommands(app, action);
  AddImportCommand(app, action);
  AddExportCommand(app, action);
  AddPointCommands(app, action);
  AddPayloadCommands(app, action);
  AddScrollCommands(app, action);
  AddSearchCommand(app, action);
  AddFindDuplicatesCommand(app, action);
  AddStatusCommand(app, action);
  AddBackupCommands(app, action);
  AddBenchCommands(app, action);
  AddDatasetCommands(app, action);
  AddFsckCommand(app, action);
  AddKeyCommands(app, action);
  CheckNumbers(app);
  app.failure_message(DescribeFailure);
  try {
    app.parse(count, words);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, terminal.out, terminal.err) == 0 ? kExitOk : kExitUsage;
  }
  return ReportStatus(action(terminal), terminal);
}

}  // namespace kith::cli
