#ifndef KITH_CLI_DATA_BIN_READER_H_
#define KITH_CLI_DATA_BIN_READER_H_

#include <memory>

#include "cli/data/read_only_file.h"
#include "cli/data/vector_reader.h"

namespace kith::cli {

// fbin and u8bin: uint32 rows, uint32 dimension, then the rows one after another, little-endian.
// The size of the file must be exactly what the header says.
// Threads: one at a time.
class BinReader final : public VectorReader {
 public:
  static absl::StatusOr<std::unique_ptr<VectorReader>> Open(ReadOnlyFile file, ElementType type);

  const FileShape& shape() const override { return shape_; }
  absl::Status Seek(FilePosition position) override;
  absl::Status Next(const BatchLimit& limit, RowBatch& batch) override;

 private:
  BinReader(ReadOnlyFile file, FileShape shape) : file_(std::move(file)), shape_(shape) {}
  FilePosition At(uint64_t row) const;

  ReadOnlyFile file_;
  FileShape shape_;
  uint64_t next_row_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_BIN_READER_H_
