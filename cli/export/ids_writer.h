#ifndef KITH_CLI_EXPORT_IDS_WRITER_H_
#define KITH_CLI_EXPORT_IDS_WRITER_H_

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/output_file.h"
#include "common/vector/point_key.h"

namespace kith::cli {

// Writes what IdsFile reads: uint64 where every id is a number, else text. Which of the two is
// known at the end, so the keys wait in a file without a name. Threads: one at a time.
class IdsWriter {
 public:
  static absl::StatusOr<IdsWriter> Create(const std::string& path);

  absl::Status Append(const PointKey& key);
  absl::Status Finish();  // everything but the name
  absl::Status Commit() { return file_.Commit(); }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  using Spool = std::unique_ptr<std::FILE, Close>;
  IdsWriter(std::string path, OutputFile file, Spool spool)
      : path_(std::move(path)), file_(std::move(file)), spool_(std::move(spool)) {}
  absl::Status SpoolError() const;

  std::string path_;
  OutputFile file_;
  Spool spool_;  // keys of 17 bytes
  uint64_t rows_ = 0;
  bool has_uuids_ = false;
};

}  // namespace kith::cli

#endif  // KITH_CLI_EXPORT_IDS_WRITER_H_
