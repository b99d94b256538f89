#ifndef KITH_CLI_DATA_NPY_HEADER_H_
#define KITH_CLI_DATA_NPY_HEADER_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/data/file_element.h"
#include "cli/data/read_only_file.h"

// The header of numpy's files (its NEP 1): "\x93NUMPY", version, length, then a Python dictionary
// of descr, fortran_order and shape.
namespace kith::cli {

struct NpyHeader {
  std::string descr;            // "<f4", ...
  std::vector<uint64_t> shape;  // of an array in C order
  uint64_t data_at = 0;         // byte of the first element
};

// INVALID_ARGUMENT where it is no npy file of version 1, 2 or 3, its header is none, or the array
// is in Fortran order, structured or of Python objects: naming the file and what to save instead.
absl::StatusOr<NpyHeader> ReadNpyHeader(const ReadOnlyFile& file);

// The header that is written: always as long as this, so that the number of rows can be filled in
// at the end. No columns: an array of one dimension.
inline constexpr size_t kNpyHeaderBytes = 128;
std::string NpyHeaderText(std::string_view descr, uint64_t rows, uint32_t columns);

std::string_view NpyDescr(FileElement element);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_NPY_HEADER_H_
