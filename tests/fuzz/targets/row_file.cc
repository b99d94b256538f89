// An extent of the row file: as it is, and with the checksums of its records made right. Whatever
// it holds, it opens, says which records are whole, and can be cleared and written.
#include "shard/storage/row_file.h"

#include <xxhash.h>

#include <cstring>

#include "tests/fuzz/fuzz_input.h"
#include "tests/fuzz/memory_files.h"
#include "tests/fuzz/target.h"

namespace kith::fuzz {
namespace {

constexpr uint32_t kVectorBytes = 20;
constexpr uint32_t kExtentBits = 3;
constexpr uint32_t kRows = 1u << kExtentBits;
constexpr uint32_t kStride = RowTable::StrideFor(kVectorBytes);
const char kExtent[] = "rows/000000.rows";

storage::RowFileOptions OptionsOver(MemoryFiles& files) {
  storage::RowFileOptions options;
  options.directory = "rows";
  options.files = &files;
  options.vector_bytes = kVectorBytes;
  options.extent_bits = kExtentBits;
  return options;
}

void WriteRow(storage::RowFile& rows, uint32_t row) {
  const std::string vector(kVectorBytes, static_cast<char>('a' + row));
  rows.Write({row, PointKey::FromNumber(row), static_cast<uint16_t>(row), row + 1, row * 77, 0.5f,
              vector});
}

void Take(std::string_view bytes, uint32_t clear_from) {
  MemoryFiles files;
  files.Put(kExtent, bytes);
  const auto opened = storage::RowFile::Open(OptionsOver(files));
  if (!opened.ok()) return;
  storage::RowFile& rows = **opened;
  for (uint32_t row = 0; row < 2 * kRows; ++row) {
    if (!rows.IsValid(row)) continue;
    Require(rows.view().Table(kRows).Header(row).row == row, "a valid record has its own number");
  }
  Require(rows.ClearFrom(clear_from).ok(), "any row file can be cleared");
  for (uint32_t row = clear_from; row < 2 * kRows; ++row) {
    Require(!rows.IsValid(row), "what was cleared is gone");
  }
  Require(rows.Reserve(clear_from, clear_from + 3).ok(), "there is room behind");
  WriteRow(rows, clear_from);
  Require(rows.IsValid(clear_from), "what was written is there");
}

std::string WithChecksums(std::string_view bytes) {
  std::string extent(bytes);
  for (size_t at = 0; at + kStride <= extent.size(); at += kStride) {
    const auto sum = static_cast<uint32_t>(XXH3_64bits(extent.data() + at + 4, kStride - 4));
    std::memcpy(extent.data() + at, &sum, sizeof(sum));
  }
  return extent;
}

}  // namespace

// The first byte: from which row the file is cleared, and 128 for a rest without checksums.
std::vector<std::string> Seeds() {
  MemoryFiles files;
  const auto rows = storage::RowFile::Open(OptionsOver(files));
  Require(rows.ok() && (*rows)->Reserve(0, kRows).ok(), "a seed can be made");
  for (uint32_t row = 0; row < kRows; ++row) WriteRow(**rows, row);
  const std::string extent = files.Get(kExtent);
  return {'\3' + extent, '\x85' + extent, std::string(1, '\0') + extent.substr(0, 3 * kStride)};
}

}  // namespace kith::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kith::fuzz;
  FuzzInput input(data, size);
  const uint8_t how = input.Byte();
  const std::string_view rest = input.Rest();
  Take((how & 128) != 0 ? WithChecksums(rest) : std::string(rest), how % (kRows + 2));
  return 0;
}
