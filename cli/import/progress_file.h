#ifndef KITH_CLI_IMPORT_PROGRESS_FILE_H_
#define KITH_CLI_IMPORT_PROGRESS_FILE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/vector_reader.h"
#include "cli/import/file_identity.h"

namespace kith::cli {

// How far an import is: everything before `position` is acknowledged by the server or a reject.
struct ImportProgress {
  Hash128 file_identity{};
  // Random, new with each import that starts at the beginning. It is part of every request_id: a
  // file imported again on purpose must be written again, not answered from memory.
  Hash128 import_id{};
  std::string incarnation;  // of the collection
  uint64_t first_id = 0;
  FilePosition position;
  uint64_t written = 0;
  uint64_t rejected = 0;
  std::string rejects_path;
  uint64_t rejects_bytes = 0;  // of that file, up to `position`
};

// nullopt where there is none. FAILED_PRECONDITION where the file is there but makes no sense.
absl::StatusOr<std::optional<ImportProgress>> LoadProgress(const std::string& path);
// In one step: after a crash the file holds the old or the new state.
absl::Status SaveProgress(const std::string& path, const ImportProgress& progress);

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_PROGRESS_FILE_H_
