#include "cli/data/row_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {

RowReader::RowReader(ReadOnlyFile file, RowLayout layout)
    : file_(std::move(file)), layout_(std::move(layout)) {
  shape_.format = layout_.format;
  shape_.element_type = LoadedType(layout_.element);
  shape_.has_fractions = HasFractions(layout_.element);
  shape_.dimension = layout_.dimension;
  shape_.rows = layout_.rows;
  shape_.bytes = file_.size();
}

absl::Status RowReader::Seek(FilePosition position) {
  if (position.row > layout_.rows) {
    return Error(
        absl::StatusCode::kOutOfRange, reason::kBadRequest,
        fmt::format("{}: there is no row {}, it has {}", file_.path(), position.row, layout_.rows));
  }
  next_row_ = position.row;
  return absl::OkStatus();
}

absl::Status RowReader::Next(const BatchLimit& limit, RowBatch& batch) {
  batch.Clear();
  const uint64_t fit = std::max<uint64_t>(1, limit.bytes / shape_.row_bytes());
  const uint64_t count = std::min({uint64_t{limit.rows}, fit, layout_.rows - next_row_});
  batch.begin = At(next_row_);
  batch.end = At(next_row_ + count);
  if (IsReadAsItIs()) {
    batch.vectors.resize(count * shape_.row_bytes());
    KITH_RETURN_IF_ERROR(file_.ReadAt(batch.begin.byte, batch.vectors));
    for (uint64_t i = 0; i < count; ++i) batch.row_numbers.push_back(next_row_ + i);
    next_row_ += count;
    return absl::OkStatus();
  }
  return ConvertNext(count, batch);
}

absl::Status RowReader::ConvertNext(uint64_t count, RowBatch& batch) {
  records_.resize(count * layout_.stride());
  KITH_RETURN_IF_ERROR(file_.ReadAt(batch.begin.byte, records_));
  batch.vectors.reserve(count * shape_.row_bytes());
  for (uint64_t i = 0; i < count; ++i, ++next_row_) {
    const absl::Status taken = TakeRow(records_.data() + i * layout_.stride(), next_row_, batch);
    if (!taken.ok() && i == 0) return taken;
    if (taken.ok()) continue;
    // The good rows first; the next call begins with the bad one and says so.
    batch.end = At(next_row_);
    break;
  }
  return absl::OkStatus();
}

absl::Status RowReader::TakeRow(const std::byte* record, uint64_t row, RowBatch& batch) const {
  KITH_RETURN_IF_ERROR(CheckPrefix(record, row));
  const std::span elements(record + layout_.prefix_bytes, layout_.element_bytes());
  const size_t before = batch.vectors.size();
  const size_t appended = AppendLoaded(layout_.element, elements, batch.vectors);
  if (appended < layout_.dimension) {
    batch.vectors.resize(before);
    return Error(absl::StatusCode::kDataLoss, reason::kBadVector,
                 fmt::format("{}: element {} of row {} (byte {}) is a whole number of more than 24 "
                             "bits that an f32 cannot hold exactly; scale the values, or save them "
                             "as f32. Rows before it were read",
                             file_.path(), appended, row, At(row).byte));
  }
  batch.row_numbers.push_back(row);
  return absl::OkStatus();
}

absl::Status RowReader::CheckPrefix(const std::byte* record, uint64_t row) const {
  if (layout_.prefix_bytes == 0) return absl::OkStatus();
  int32_t dimension = 0;
  std::memcpy(&dimension, record, sizeof(dimension));
  if (dimension == static_cast<int32_t>(layout_.dimension)) return absl::OkStatus();
  return Error(absl::StatusCode::kDataLoss, reason::kDimensionMismatch,
               fmt::format("{}: row {} (byte {}) says dimension {}, the first row said {}: rows of "
                           "several dimensions cannot be read; rows before it were read",
                           file_.path(), row, At(row).byte, dimension, layout_.dimension));
}

}  // namespace kith::cli
