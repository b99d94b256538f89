#include <fmt/format.h>

#include <memory>

#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "cli/data/vector_format.h"
#include "cli/export/export_job.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

struct Options : ExportOptions {
  bool force = false;
  uint32_t patience_s = 300;
  std::string json;
};

absl::Status Run(const Options& options, Terminal& terminal) {
  ExportOptions job = options;
  job.patience = std::chrono::seconds(options.patience_s);
  if (options.force) job.existing = ExportOptions::Existing::kReplace;
  KITH_ASSIGN_OR_RETURN(const ExportSummary summary, RunExport(job, terminal));
  if (options.json != "-") {
    std::string files;
    for (const std::string& file : summary.files) files += (files.empty() ? "" : " and ") + file;
    terminal.out << fmt::format("exported {} points of {} to {} in {}\n",
                                WithThousands(summary.points), options.collection, files,
                                ShortDuration(summary.seconds));
  }
  if (summary.files.size() > 1) {
    terminal.err << "kith: payloads are in exports as jsonl only\n";
  }
  return WriteJson({{"points", summary.points},
                    {"files", summary.files},
                    {"retries", summary.retries},
                    {"seconds", summary.seconds}},
                   options.json, terminal);
}

}  // namespace

void AddExportCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand("export", "Write all points of a collection to a file");
  command->add_option("--collection,NAME", options->collection, "The collection")->required();
  command
      ->add_option("--out,FILE", options->file, "The file to write; it appears whole or not at all")
      ->required();
  AddEndpoint(*command, options->endpoint);
  command->add_option("--format", options->format,
                      "fbin, fvecs, npy, jsonl, or u8bin, bvecs, f16bin of a collection of such "
                      "elements (by the ending of FILE)");
  command->add_flag("--force", options->force, "Replace a file that is there");
  command->add_option("--page", options->page, "Points a call")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kPointsPerCallMax));
  command
      ->add_option("--patience-s", options->patience_s,
                   "Give up when no page came for so many seconds")
      ->capture_default_str();
  AddJson(*command, options->json);
  command->footer(
      "Files of vectors have their ids beside them in FILE.ids.npy: uint64, or text where there "
      "are\n"
      "UUIDs. Payloads are kept by jsonl only, bytes that are no JSON as \"payload_base64\".\n"
      "Points that are there throughout are written exactly once, whatever is written meanwhile.\n"
      "Examples:\n"
      "  kith export faces faces.jsonl\n"
      "  kith export faces faces.npy\n"
      "  kith import copy faces.npy --ids faces.npy.ids.npy");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
