#ifndef KITH_CLI_IMPORT_IMPORT_JOB_H_
#define KITH_CLI_IMPORT_IMPORT_JOB_H_

#include <chrono>
#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct ImportOptions {
  std::string endpoint;
  std::string collection;
  std::string file;
  std::string ids;           // file with the rows' ids; empty: they follow from first_id
  std::string rejects;       // empty: beside the progress file
  std::string progress_dir;  // empty: beside the file, or the user's state folder
  size_t batch = 256;
  size_t in_flight = 16;
  uint64_t first_id = 0;  // of row 0, where the file has no ids
  bool restart = false;
  std::chrono::milliseconds patience{300'000};
};

struct ImportSummary {
  uint64_t written = 0;  // in this run and those that it continues
  uint64_t rejected = 0;
  uint64_t written_now = 0;  // in this run
  uint64_t resumed_at = 0;   // the row it began with
  uint64_t retries = 0;
  double seconds = 0;
  std::string rejects_path;
};

// Where an import keeps its progress and its rejects.
struct ImportPaths {
  std::string progress;
  std::string rejects;
};
// PERMISSION_DENIED where no folder can be written, naming --progress-dir. A usage error where
// --rejects names the file itself or its progress: the first reject would replace it.
absl::StatusOr<ImportPaths> ChooseImportPaths(const ImportOptions& options);

// Imports a file, from where an interrupted import of it stopped. On an error the progress stays,
// and the same call goes on from it; the message says so. CANCELLED after Ctrl-C.
absl::StatusOr<ImportSummary> RunImport(const ImportOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_IMPORT_JOB_H_
