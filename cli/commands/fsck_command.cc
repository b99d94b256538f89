#include <fmt/format.h>

#include <memory>

#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/table.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/fsck/fsck.h"

namespace kith::cli {
namespace {

struct Options {
  std::string directory;
  bool is_repair = false;
  std::string json;
};

std::string_view NameOf(fsck::Remedy remedy) {
  switch (remedy) {
    case fsck::Remedy::kStart:
      return "start";
    case fsck::Remedy::kRepair:
      return "repair";
    case fsck::Remedy::kRestore:
      break;
  }
  return "restore";
}

Json ToJson(const fsck::Report& report) {
  Json json = {{"clean", report.findings.empty()},
               {"shards", report.shards},
               {"points", report.points},
               {"findings", Json::array()},
               {"repaired", report.repaired}};
  for (const fsck::Finding& finding : report.findings) {
    json["findings"].push_back({{"path", finding.path},
                                {"what", finding.what},
                                {"remedy", NameOf(finding.remedy)},
                                {"advice", finding.advice}});
  }
  return json;
}

void Print(const fsck::Report& report, Terminal& terminal) {
  for (const fsck::Finding& finding : report.findings) {
    terminal.out << fmt::format("{}\n  wrong:  {}\n  remedy: {}: {}\n", finding.path, finding.what,
                                NameOf(finding.remedy), finding.advice);
  }
  for (const std::string& done : report.repaired) terminal.out << "done: " << done << "\n";
  terminal.out << fmt::format("{} points in {} shards were read; {} findings\n", report.points,
                              report.shards, report.findings.size());
}

absl::Status Verdict(const fsck::Report& report, const Options& options) {
  if (report.findings.empty()) return absl::OkStatus();
  const bool needs_restore = report.NeedsRestore();
  // What was taken out of the way, or is made again anyway, needs nobody any more.
  if (options.is_repair && !needs_restore) return absl::OkStatus();
  absl::Status status = Error(
      absl::StatusCode::kDataLoss, reason::kCorruption,
      needs_restore
          ? fmt::format("{} is damaged; some of it must be restored from a copy", options.directory)
          : fmt::format("{} is damaged; all of it can be made again", options.directory));
  SetExitCode(status, needs_restore ? kExitNeedsRestore : kExitMendable);
  return status;
}

absl::Status Run(const Options& options, Terminal& terminal) {
  const auto files = storage::NewPosixFileSystem();
  KITH_ASSIGN_OR_RETURN(
      const fsck::Report report,
      fsck::CheckDirectory(options.directory, *files,
                           options.is_repair ? fsck::Mode::kRepair : fsck::Mode::kCheck));
  if (options.json != "-") Print(report, terminal);
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(report), options.json, terminal));
  return Verdict(report, options);
}

}  // namespace

void AddFsckCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("fsck", "Check a data directory that no kithd serves: every file of it");
  command->add_option("DIRECTORY", options->directory, "The data directory")->required();
  command->add_flag("--repair", options->is_repair,
                    "Take away what keeps the next start from making it again");
  AddJson(*command, options->json);
  command->footer(
      "Exit codes: 0 whole (with --repair: or whole after the next start), 1 it could not be\n"
      "checked, 3 damaged, and the next start or --repair mends it, 4 damaged, and something must\n"
      "be restored from a copy. docs/repair.md says how.\n"
      "Example:\n  kith fsck /var/lib/kith");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
