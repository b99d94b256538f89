#ifndef KITH_CLI_DATA_VECTOR_READER_H_
#define KITH_CLI_DATA_VECTOR_READER_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/vector/element.h"
#include "common/vector/point_key.h"

namespace kith::cli {

// Where reading may go on: the number of the next row (line, in text) and the byte it starts at.
struct FilePosition {
  uint64_t row = 0;
  uint64_t byte = 0;
  bool operator==(const FilePosition&) const = default;
};

struct FileShape {
  std::string format;                            // as VectorFormat names it
  ElementType element_type = ElementType::kF32;  // of the bytes in a batch: f32 or u8
  bool has_fractions = true;                     // what the file holds may be no whole numbers
  uint32_t dimension = 0;
  std::optional<uint64_t> rows;  // not known beforehand for text
  uint64_t bytes = 0;            // of the whole file
  size_t row_bytes() const { return dimension * ElementSize(element_type); }
};

// A row that cannot be imported, as it stands in a rejects file.
struct RejectedRow {
  uint64_t row = 0;
  std::string id;  // empty where it could not be read
  std::string reason;
  std::string message;
};

struct BatchLimit {
  size_t rows = 256;
  size_t bytes = 32 << 20;  // of vectors and payloads; one row always fits
};

struct RowBatch {
  FilePosition begin;
  FilePosition end;
  std::vector<uint64_t> row_numbers;  // one a row
  std::vector<std::byte> vectors;     // row-major, in the shape's element type
  std::vector<PointKey> keys;         // empty: a row's id follows from its number
  std::vector<std::string> payloads;  // empty, or one a row
  std::vector<RejectedRow> rejects;   // rows between begin and end that could not be read

  size_t rows() const { return row_numbers.size(); }
  bool at_end() const { return begin.byte == end.byte; }
  void Clear();
};

// A file of vectors, read front to back in bounded memory.
// Threads: one at a time.
class VectorReader {
 public:
  virtual ~VectorReader() = default;
  virtual const FileShape& shape() const = 0;
  // `position` is an earlier batch's end. OUT_OF_RANGE where the file has no such place.
  virtual absl::Status Seek(FilePosition position) = 0;
  // The next rows; batch.at_end() after the last. DATA_LOSS where the next row breaks the file's
  // format: no row behind that place can be read.
  virtual absl::Status Next(const BatchLimit& limit, RowBatch& batch) = 0;
};

// Opens by the ending of the name (cli/data/vector_format.h). `dimension` is what text rows must
// have; the other formats say their own. INVALID_ARGUMENT for an unknown ending or a file that is
// not what its header says, naming the file, what was expected and what was found.
absl::StatusOr<std::unique_ptr<VectorReader>> OpenVectorFile(const std::string& path,
                                                             uint32_t dimension);

// All rows of a file in memory, for queries and the like.
struct VectorMatrix {
  FileShape shape;
  uint64_t rows = 0;
  std::vector<std::byte> bytes;
  const std::byte* Row(uint64_t row) const { return bytes.data() + row * shape.row_bytes(); }
};
// As OpenVectorFile; text is refused. Reads at most `rows_max` rows, from the first.
absl::StatusOr<VectorMatrix> LoadVectors(const std::string& path, uint64_t rows_max);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_VECTOR_READER_H_
