#ifndef KITH_BENCH_LIBRARY_ROW_IMAGE_H_
#define KITH_BENCH_LIBRARY_ROW_IMAGE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "cli/data/vector_reader.h"
#include "common/vector/element.h"
#include "common/vector/row_table.h"

namespace kith::bench {

// The head of the file; the records follow it.
struct RowImageHead {
  char magic[8];  // "KITHROWS"
  uint32_t rows;
  uint32_t dimension;
  uint32_t element_type;
  uint32_t stride;
  char padding[40];  // the records begin on a cache line
};
static_assert(sizeof(RowImageHead) == 64);

// Vectors as the engine reads them, one extent of records; row i has the key of number i.
class RowImage {
 public:
  explicit RowImage(const cli::VectorMatrix& base);
  RowImage(const RowImage&) = delete;
  RowImage& operator=(const RowImage&) = delete;

  RowTable table() const { return {&extent_, 31, head_.stride, head_.rows}; }
  absl::Status Write(const std::string& path) const;

 private:
  RowImageHead head_;
  std::vector<std::byte> bytes_;
  const std::byte* extent_ = nullptr;
};

// Such a file, mapped: only what searches touch is in memory, as in a server.
class MappedRows {
 public:
  MappedRows() = default;
  MappedRows(const MappedRows&) = delete;
  MappedRows& operator=(const MappedRows&) = delete;
  ~MappedRows();

  // DATA_LOSS where the file is not a whole one of these.
  absl::Status Open(const std::string& path);
  uint32_t rows() const { return head_.rows; }
  RowTable table() const { return {&extent_, 31, head_.stride, head_.rows}; }

 private:
  RowImageHead head_{};
  void* mapping_ = nullptr;
  size_t bytes_ = 0;
  const std::byte* extent_ = nullptr;
};

}  // namespace kith::bench

#endif  // KITH_BENCH_LIBRARY_ROW_IMAGE_H_
