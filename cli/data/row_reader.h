#ifndef KITH_CLI_DATA_ROW_READER_H_
#define KITH_CLI_DATA_ROW_READER_H_

#include <memory>
#include <utility>
#include <vector>

#include "cli/data/read_only_file.h"
#include "cli/data/row_layout.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// The binary formats: rows of one size behind a header, read by position.
// Threads: one at a time.
class RowReader final : public VectorReader {
 public:
  RowReader(ReadOnlyFile file, RowLayout layout);

  const FileShape& shape() const override { return shape_; }
  absl::Status Seek(FilePosition position) override;
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  FilePosition At(uint64_t row) const { return {row, layout_.ByteOf(row)}; }
  bool IsReadAsItIs() const {
    return layout_.prefix_bytes == 0 &&
           SizeOf(layout_.element) == ElementSize(shape_.element_type) &&
           (layout_.element == FileElement::kF32 || layout_.element == FileElement::kU8);
  }
  absl::Status ConvertNext(uint64_t count, RowBatch& batch);
  absl::Status TakeRow(const std::byte* record, uint64_t row, RowBatch& batch) const;
  absl::Status CheckPrefix(const std::byte* record, uint64_t row) const;

  ReadOnlyFile file_;
  RowLayout layout_;
  FileShape shape_;
  uint64_t next_row_ = 0;
  std::vector<std::byte> records_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_ROW_READER_H_
