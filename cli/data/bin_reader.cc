#include "cli/data/bin_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr uint64_t kHeaderBytes = 8;

absl::Status BadFile(const ReadOnlyFile& file, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", file.path(), what));
}

absl::Status CheckSize(const ReadOnlyFile& file, const FileShape& shape) {
  const uint64_t expected = kHeaderBytes + *shape.rows * shape.row_bytes();
  if (file.size() == expected) return absl::OkStatus();
  const uint64_t whole_rows = (file.size() - kHeaderBytes) / shape.row_bytes();
  return BadFile(
      file, fmt::format("its header says {} rows of {} {} elements, {} bytes in all, but the file "
                        "has {} bytes ({} whole rows): it is {}; copy or make it again",
                        *shape.rows, shape.dimension,
                        shape.element_type == ElementType::kU8 ? "u8" : "f32", expected,
                        file.size(), whole_rows, file.size() < expected ? "cut off" : "too long"));
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorReader>> BinReader::Open(ReadOnlyFile file, ElementType type) {
  if (file.size() < kHeaderBytes) {
    return BadFile(file, fmt::format("has {} bytes, fewer than the {} of a header (uint32 rows, "
                                     "uint32 dimension)",
                                     file.size(), kHeaderBytes));
  }
  std::array<uint32_t, 2> header{};
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(header))));
  if (header[1] == 0 || header[1] > limits::kDimensionMax) {
    return BadFile(file, fmt::format("its header says dimension {}, expected 1 to {}: is it an {} "
                                     "file?",
                                     header[1], limits::kDimensionMax,
                                     type == ElementType::kU8 ? "u8bin" : "fbin"));
  }
  if (header[0] == 0) return BadFile(file, "its header says 0 rows: there is nothing in it");
  FileShape shape;
  shape.format = type == ElementType::kU8 ? "u8bin" : "fbin";
  shape.element_type = type;
  shape.dimension = header[1];
  shape.rows = header[0];
  shape.bytes = file.size();
  KITH_RETURN_IF_ERROR(CheckSize(file, shape));
  return std::unique_ptr<VectorReader>(new BinReader(std::move(file), std::move(shape)));
}

FilePosition BinReader::At(uint64_t row) const {
  return {row, kHeaderBytes + row * shape_.row_bytes()};
}

absl::Status BinReader::Seek(FilePosition position) {
  if (position.row > *shape_.rows) {
    return Error(
        absl::StatusCode::kOutOfRange, reason::kBadRequest,
        fmt::format("{}: there is no row {}, it has {}", file_.path(), position.row, *shape_.rows));
  }
  next_row_ = position.row;
  return absl::OkStatus();
}

absl::Status BinReader::Next(const BatchLimit& limit, RowBatch& batch) {
  batch.Clear();
  const uint64_t fit = std::max<uint64_t>(1, limit.bytes / shape_.row_bytes());
  const uint64_t count = std::min({uint64_t{limit.rows}, fit, *shape_.rows - next_row_});
  batch.begin = At(next_row_);
  batch.end = At(next_row_ + count);
  batch.vectors.resize(count * shape_.row_bytes());
  KITH_RETURN_IF_ERROR(file_.ReadAt(batch.begin.byte, batch.vectors));
  for (uint64_t i = 0; i < count; ++i) batch.row_numbers.push_back(next_row_ + i);
  next_row_ += count;
  return absl::OkStatus();
}

}  // namespace kith::cli
