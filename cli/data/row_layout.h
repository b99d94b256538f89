#ifndef KITH_CLI_DATA_ROW_LAYOUT_H_
#define KITH_CLI_DATA_ROW_LAYOUT_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/data/file_element.h"
#include "cli/data/read_only_file.h"

namespace kith::cli {

inline constexpr uint64_t kBinHeaderBytes = 8;  // of fbin and its kin

// How a binary file holds its rows: a header, then rows of one size.
struct RowLayout {
  std::string format;  // "fbin", ...
  FileElement element = FileElement::kF32;
  uint32_t dimension = 0;
  uint64_t rows = 0;
  uint64_t header_bytes = 0;
  uint32_t prefix_bytes = 0;  // 4: each row begins with its dimension as an int32

  size_t element_bytes() const { return dimension * SizeOf(element); }
  uint64_t stride() const { return prefix_bytes + element_bytes(); }
  uint64_t ByteOf(uint64_t row) const { return header_bytes + row * stride(); }
};

// What a name says before the file is read.
struct RowKind {
  std::string_view format;
  FileElement element = FileElement::kF32;
  uint32_t dimension_max = 0;
};

// Each reads the beginning of a file and checks that the file is exactly as long as it says. All
// INVALID_ARGUMENT BAD_REQUEST, naming the file, what was expected, what was found and what to do.
//
// fbin and its kin: uint32 rows, uint32 dimension, then the elements.
absl::StatusOr<RowLayout> ReadBinLayout(const ReadOnlyFile& file, const RowKind& kind);
// fvecs and its kin: each row an int32 dimension and then its elements. The first row's is taken
// for all; the others are checked as they are read.
absl::StatusOr<RowLayout> ReadVecsLayout(const ReadOnlyFile& file, const RowKind& kind);
// npy of two dimensions, C order, with one of the elements of FileElement.
absl::StatusOr<RowLayout> ReadNpyLayout(const ReadOnlyFile& file, uint32_t dimension_max);

absl::Status BadFile(const ReadOnlyFile& file, std::string_view what);
// The file is as long as the layout says, no byte more.
absl::Status CheckLength(const ReadOnlyFile& file, const RowLayout& layout);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_ROW_LAYOUT_H_
