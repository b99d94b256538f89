#include "cli/data/vecs_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::Status BadFile(const ReadOnlyFile& file, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", file.path(), what));
}

}  // namespace

absl::StatusOr<std::unique_ptr<VectorReader>> VecsReader::Open(ReadOnlyFile file,
                                                               ElementType type) {
  FileShape shape;
  shape.format = type == ElementType::kU8 ? "bvecs" : "fvecs";
  shape.element_type = type;
  shape.bytes = file.size();
  if (file.size() < 4) {
    return BadFile(file, fmt::format("has {} bytes, too few for one row", file.size()));
  }
  int32_t dimension = 0;
  KITH_RETURN_IF_ERROR(file.ReadAt(0, std::as_writable_bytes(std::span(&dimension, 1))));
  if (dimension <= 0 || dimension > static_cast<int32_t>(limits::kDimensionMax)) {
    return BadFile(file, fmt::format("its first row says dimension {}, expected 1 to {}: is it an "
                                     "{} file?",
                                     dimension, limits::kDimensionMax, shape.format));
  }
  shape.dimension = static_cast<uint32_t>(dimension);
  const uint64_t record = 4 + shape.row_bytes();
  if (file.size() % record != 0) {
    return BadFile(file, fmt::format("its first row says dimension {}, so its size should be a "
                                     "multiple of {} bytes, but it has {} bytes ({} whole rows and "
                                     "{} bytes): it is cut off or is no {} file",
                                     dimension, record, file.size(), file.size() / record,
                                     file.size() % record, shape.format));
  }
  shape.rows = file.size() / record;
  return std::unique_ptr<VectorReader>(new VecsReader(std::move(file), std::move(shape)));
}

absl::Status VecsReader::Seek(FilePosition position) {
  if (position.row > *shape_.rows) {
    return Error(
        absl::StatusCode::kOutOfRange, reason::kBadRequest,
        fmt::format("{}: there is no row {}, it has {}", file_.path(), position.row, *shape_.rows));
  }
  next_row_ = position.row;
  return absl::OkStatus();
}

absl::Status VecsReader::Next(const BatchLimit& limit, RowBatch& batch) {
  batch.Clear();
  const uint64_t fit = std::max<uint64_t>(1, limit.bytes / record_bytes());
  const uint64_t count = std::min({uint64_t{limit.rows}, fit, *shape_.rows - next_row_});
  batch.begin = {next_row_, next_row_ * record_bytes()};
  batch.end = {next_row_ + count, (next_row_ + count) * record_bytes()};
  records_.resize(count * record_bytes());
  KITH_RETURN_IF_ERROR(file_.ReadAt(batch.begin.byte, records_));
  batch.vectors.reserve(count * shape_.row_bytes());
  for (uint64_t i = 0; i < count; ++i, ++next_row_) {
    const absl::Status taken = TakeRecord(records_.data() + i * record_bytes(), next_row_, batch);
    if (!taken.ok() && i == 0) return taken;
    if (taken.ok()) continue;
    // The good rows first; the next call begins with the bad one and says so.
    batch.end = {next_row_, next_row_ * record_bytes()};
    break;
  }
  return absl::OkStatus();
}

absl::Status VecsReader::TakeRecord(const std::byte* record, uint64_t row, RowBatch& batch) const {
  uint32_t dimension = 0;
  std::memcpy(&dimension, record, 4);
  if (dimension != shape_.dimension) {
    return Error(absl::StatusCode::kDataLoss, reason::kDimensionMismatch,
                 fmt::format("{}: row {} (byte {}) says dimension {}, the first row said {}: rows "
                             "of several dimensions cannot be read; rows before it were read",
                             file_.path(), row, row * record_bytes(),
                             static_cast<int32_t>(dimension), shape_.dimension));
  }
  batch.vectors.insert(batch.vectors.end(), record + 4, record + record_bytes());
  batch.row_numbers.push_back(row);
  return absl::OkStatus();
}

}  // namespace kith::cli
