#ifndef KITH_CLI_DATA_VECS_READER_H_
#define KITH_CLI_DATA_VECS_READER_H_

#include <memory>

#include "cli/data/read_only_file.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// fvecs and bvecs: each row is an int32 dimension and then its elements, little-endian. All rows
// must have the first one's dimension.
// Threads: one at a time.
class VecsReader final : public VectorReader {
 public:
  static absl::StatusOr<std::unique_ptr<VectorReader>> Open(ReadOnlyFile file, ElementType type);

  const FileShape& shape() const override { return shape_; }
  absl::Status Seek(FilePosition position) override;
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  VecsReader(ReadOnlyFile file, FileShape shape) : file_(std::move(file)), shape_(shape) {}
  uint64_t record_bytes() const { return 4 + shape_.row_bytes(); }
  absl::Status TakeRecord(const std::byte* record, uint64_t row, RowBatch& batch) const;

  ReadOnlyFile file_;
  FileShape shape_;
  uint64_t next_row_ = 0;
  std::vector<std::byte> records_;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_VECS_READER_H_
