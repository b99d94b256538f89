#ifndef KITH_CLI_EXPORT_EXPORT_JOB_H_
#define KITH_CLI_EXPORT_EXPORT_JOB_H_

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/console/terminal.h"

namespace kith::cli {

struct ExportOptions {
  std::string endpoint;
  std::string collection;
  std::string file;
  std::string format;  // empty: by the ending of the file's name
  uint32_t page = 10'000;
  enum class Existing { kKeep, kReplace } existing = Existing::kKeep;
  std::chrono::milliseconds patience{300'000};
};

struct ExportSummary {
  uint64_t points = 0;
  uint64_t retries = 0;
  double seconds = 0;
  std::vector<std::string> files;
};

// Writes every point of a collection to a file, in the order of a scroll. Points that are there
// throughout are in it exactly once; of those written meanwhile some are, and a note says so. The
// file appears whole or not at all. CANCELLED after Ctrl-C; FAILED_PRECONDITION where the file is
// there already or the collection has no points.
absl::StatusOr<ExportSummary> RunExport(const ExportOptions& options, Terminal& terminal);

}  // namespace kith::cli

#endif  // KITH_CLI_EXPORT_EXPORT_JOB_H_
