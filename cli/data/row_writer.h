#ifndef KITH_CLI_DATA_ROW_WRITER_H_
#define KITH_CLI_DATA_ROW_WRITER_H_

#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/output_file.h"
#include "cli/data/row_layout.h"
#include "cli/data/vector_format.h"

namespace kith::cli {

// Bytes one after another through a buffer.
// Threads: one at a time.
class BufferedOutput {
 public:
  explicit BufferedOutput(OutputFile file, uint64_t offset = 0)
      : file_(std::move(file)), offset_(offset) {}

  absl::Status Append(std::span<const std::byte> bytes);
  absl::Status Flush();
  const OutputFile& file() const { return file_; }
  absl::Status Commit() { return file_.Commit(); }
  uint64_t bytes() const { return offset_ + buffer_.size(); }

 private:
  OutputFile file_;
  uint64_t offset_;  // where the buffer belongs
  std::vector<std::byte> buffer_;
};

// Writes what RowReader reads. The file takes its name when it is committed, whole.
// Threads: one at a time.
class RowWriter {
 public:
  // `element` of an npy file; the other formats have their own.
  static absl::StatusOr<RowWriter> Create(const std::string& path, const VectorFormat& format,
                                          FileElement element, uint32_t dimension);

  FileElement element() const { return layout_.element; }
  absl::Status Append(std::span<const std::byte> row);  // in the file's element
  // Everything but the name. OUT_OF_RANGE where the header cannot say so many rows.
  absl::Status Finish();
  absl::Status Commit() { return output_.Commit(); }
  uint64_t bytes() const { return output_.bytes(); }

 private:
  RowWriter(OutputFile file, VectorFormat::Kind kind, RowLayout layout, std::string path);

  BufferedOutput output_;
  VectorFormat::Kind kind_;
  RowLayout layout_;
  std::string path_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_ROW_WRITER_H_
