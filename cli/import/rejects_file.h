#ifndef KITH_CLI_IMPORT_REJECTS_FILE_H_
#define KITH_CLI_IMPORT_REJECTS_FILE_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// Rows that were not imported, one JSON object a line: row (of the file, from 0), id, reason,
// message. The file is made with the first reject; whatever was there before is replaced then.
// Threads: one at a time.
class RejectsFile {
 public:
  explicit RejectsFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  // Cuts the file to what an earlier run had written when it saved its progress. Touches nothing
  // where that run had written none.
  absl::Status Resume(uint64_t bytes);
  absl::Status Add(const std::vector<RejectedRow>& rows);
  absl::Status Sync();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  absl::Status OpenForAppend();
  absl::Status WriteError() const;

  const std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  uint64_t bytes_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_IMPORT_REJECTS_FILE_H_
