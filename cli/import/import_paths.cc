#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "cli/import/file_identity.h"
#include "cli/import/import_job.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

namespace fs = std::filesystem;

// A folder marked read-only is left alone even by root, who could write there.
bool Writable(const fs::path& folder) {
  std::error_code error;
  const fs::perms writers =
      fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
  const bool marked = (fs::status(folder, error).permissions() & writers) == fs::perms::none;
  return !error && !marked && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

// Folders of the user's own, for files that lie where nothing may be written.
std::vector<fs::path> StateFolders() {
  std::vector<fs::path> folders;
  if (const char* state = std::getenv("XDG_STATE_HOME"); state != nullptr && *state != '\0') {
    folders.push_back(fs::path(state) / "kith");
  }
  if (const char* home = std::getenv("HOME"); home != nullptr && *home != '\0') {
    folders.push_back(fs::path(home) / ".local" / "state" / "kith");
  }
  std::error_code error;
  const fs::path temporary = fs::temp_directory_path(error);
  if (!error) folders.push_back(temporary / fmt::format("kith-{}", ::getuid()));
  return folders;
}

// Files of one name may come from many folders: outside their own, the path tells them apart.
std::string NameElsewhere(const fs::path& file) {
  const std::string hash = ToHex(HashOf(file.string())).substr(0, 16);
  return fmt::format("{}.{}", file.filename().string(), hash);
}

ImportPaths PathsIn(const fs::path& stem, const ImportOptions& options) {
  ImportPaths paths;
  paths.progress = fmt::format("{}.kith-progress-{}", stem.string(), options.collection);
  paths.rejects = options.rejects.empty()
                      ? fmt::format("{}.kith-rejects-{}.jsonl", stem.string(), options.collection)
                      : fs::absolute(options.rejects).lexically_normal().string();
  return paths;
}

bool IsSameFile(const std::string& a, const std::string& b) {
  std::error_code error;
  if (fs::equivalent(a, b, error)) return true;
  return fs::weakly_canonical(a, error) == fs::weakly_canonical(b, error);
}

absl::StatusOr<ImportPaths> Checked(ImportPaths paths, const ImportOptions& options) {
  if (IsSameFile(paths.rejects, options.file)) {
    return UsageError("--rejects",
                      fmt::format("{} is the file to import: name another", paths.rejects));
  }
  if (IsSameFile(paths.rejects, paths.progress)) {
    return UsageError("--rejects", fmt::format("{} is where the import keeps its progress: name "
                                               "another",
                                               paths.rejects));
  }
  return paths;
}

}  // namespace

absl::StatusOr<ImportPaths> ChooseImportPaths(const ImportOptions& options) {
  std::error_code error;
  const fs::path file = fs::absolute(options.file, error).lexically_normal();
  std::vector<fs::path> folders;
  if (!options.progress_dir.empty()) {
    folders.emplace_back(options.progress_dir);
  } else if (Writable(file.parent_path())) {
    return Checked(PathsIn(file, options), options);
  } else {
    folders = StateFolders();
  }
  for (const fs::path& folder : folders) {
    fs::create_directories(folder, error);
    if (Writable(folder)) return Checked(PathsIn(folder / NameElsewhere(file), options), options);
  }
  return Error(
      absl::StatusCode::kPermissionDenied, reason::kStorage,
      fmt::format("{}: no folder for the progress file can be written; name one with "
                  "--progress-dir",
                  folders.empty() ? file.parent_path().string() : folders.front().string()));
}

}  // namespace kith::cli
