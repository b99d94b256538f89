#ifndef KITH_CLI_DATA_JSONL_READER_H_
#define KITH_CLI_DATA_JSONL_READER_H_

#include <memory>
#include <string_view>

#include "cli/data/line_scanner.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// One object a line: {"id": 42 or "8-4-4-4-12", "vector": [numbers], "payload": any JSON}; other
// members are refused, so that a misspelt name is not lost in silence. A line that cannot be read
// is a reject, not an error; empty lines are skipped. Threads: one at a time.
class JsonlReader final : public VectorReader {
 public:
  // `dimension`: what every vector must have.
  static absl::StatusOr<std::unique_ptr<VectorReader>> Open(ReadOnlyFile file, uint32_t dimension);

  const FileShape& shape() const override { return shape_; }
  absl::Status Seek(FilePosition position) override;
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  JsonlReader(ReadOnlyFile file, FileShape shape)
      : lines_(std::move(file)), shape_(std::move(shape)) {}

  LineScanner lines_;
  FileShape shape_;
  uint64_t next_row_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_JSONL_READER_H_
