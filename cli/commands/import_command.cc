#include <fmt/format.h>

#include <memory>

#include "cli/commands/commands.h"
#include "cli/console/json_output.h"
#include "cli/console/progress.h"
#include "cli/data/vector_format.h"
#include "cli/import/import_job.h"
#include "common/base/limits.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

struct Options : ImportOptions {
  uint32_t patience_s = 300;
  std::string json;
};

Json ToJson(const ImportSummary& summary) {
  const double rate =
      summary.seconds > 0 ? static_cast<double>(summary.written_now) / summary.seconds : 0;
  return {{"written", summary.written},
          {"rejected", summary.rejected},
          {"written_now", summary.written_now},
          {"resumed_at", summary.resumed_at},
          {"retries", summary.retries},
          {"seconds", summary.seconds},
          {"rows_per_s", rate}};
}

absl::Status Run(const Options& options, Terminal& terminal) {
  ImportOptions job = options;
  job.patience = std::chrono::seconds(options.patience_s);
  KITH_ASSIGN_OR_RETURN(const ImportSummary summary, RunImport(job, terminal));
  if (options.json != "-") {
    terminal.out << fmt::format("imported {} rows into {} in {} ({} rejected)\n",
                                WithThousands(summary.written), options.collection,
                                ShortDuration(summary.seconds), WithThousands(summary.rejected));
  }
  KITH_RETURN_IF_ERROR(WriteJson(ToJson(summary), options.json, terminal));
  if (summary.rejected == 0) return absl::OkStatus();
  terminal.err << fmt::format("kith: {} rows were rejected; see {}\n",
                              WithThousands(summary.rejected), summary.rejects_path);
  if (summary.written > 0) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("no row of {} could be imported", options.file));
}

}  // namespace

void AddImportCommand(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* command = app.add_subcommand(
      "import", "Import a file of vectors; a second call goes on where the first was stopped");
  command->add_option("NAME", options->collection, "The collection")->required();
  command->add_option("FILE", options->file, AllEndings() + " or .kgen")->required();
  AddEndpoint(*command, options->endpoint);
  command->add_option("--batch", options->batch, "Rows a call")
      ->capture_default_str()
      ->check(CLI::Range(1u, limits::kPointsPerCallMax));
  command->add_option("--in-flight", options->in_flight, "Calls under way at once")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
  command->add_option("--rejects", options->rejects,
                      "File for rows that are not imported, replaced by the first of them "
                      "(FILE.kith-rejects-NAME.jsonl)");
  command->add_option("--progress-dir", options->progress_dir,
                      "Folder of the progress file; beside FILE, or where that cannot be written, "
                      "the user's state folder");
  command->add_option("--first-id", options->first_id, "Id of row 0, where the file has no ids")
      ->capture_default_str();
  command->add_option(
      "--ids", options->ids,
      "Ids of the rows, as `kith export` writes them: an .npy file of uint64, or of "
      "byte strings with numbers and UUIDs");
  command->add_flag("--restart", options->restart, "Begin anew, whatever was imported before");
  command
      ->add_option("--patience-s", options->patience_s,
                   "Give up when no call succeeded for so many seconds")
      ->capture_default_str();
  AddJson(*command, options->json);
  command->footer(
      "JSONL lines: {\"id\": 42 or \"8-4-4-4-12\", \"vector\": [..], \"payload\": any JSON}, or\n"
      "\"payload_base64\" for bytes that are no JSON.\n"
      "Of lines with the same id the last one wins. Ctrl-C stops; the same command goes on.\n"
      "Examples:\n"
      "  kith import sift sift1m.base.u8bin\n"
      "  kith import faces faces.jsonl --rejects bad.jsonl\n"
      "  kith import copy faces.npy --ids faces.npy.ids.npy");
  OnParsed(*command, action, options, Run);
}

}  // namespace kith::cli
