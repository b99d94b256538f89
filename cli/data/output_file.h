#ifndef KITH_CLI_DATA_OUTPUT_FILE_H_
#define KITH_CLI_DATA_OUTPUT_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace kith::cli {

// A file that takes its name only when it is whole: written as PATH.partial, renamed by Commit, and
// removed by the destructor where Commit was not reached.
// Threads: WriteAt from any.
class OutputFile {
 public:
  // PERMISSION_DENIED, NOT_FOUND (no such folder), FAILED_PRECONDITION (another process is writing
  // it) or UNKNOWN, naming the path.
  static absl::StatusOr<OutputFile> Create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  absl::Status WriteAt(uint64_t offset, std::span<const std::byte> bytes) const;
  absl::Status Commit();  // syncs first

 private:
  OutputFile(std::string path, int descriptor);
  std::string partial_path() const { return path_ + ".partial"; }

  std::string path_;
  int descriptor_ = -1;
};

// Replaces the file's content in one step.
absl::Status WriteWholeFile(const std::string& path, std::string_view content);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_OUTPUT_FILE_H_
