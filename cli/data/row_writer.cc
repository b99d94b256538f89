#include "cli/data/row_writer.h"

#include <fmt/format.h>

#include <array>
#include <limits>

#include "cli/data/npy_header.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

using Kind = VectorFormat::Kind;

constexpr size_t kBufferBytes = 1 << 20;

uint64_t HeaderBytes(Kind kind) {
  return kind == Kind::kNpy ? kNpyHeaderBytes : kind == Kind::kBin ? kBinHeaderBytes : 0;
}

}  // namespace

absl::Status BufferedOutput::Append(std::span<const std::byte> bytes) {
  buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  return buffer_.size() < kBufferBytes ? absl::OkStatus() : Flush();
}

absl::Status BufferedOutput::Flush() {
  KITH_RETURN_IF_ERROR(file_.WriteAt(offset_, buffer_));
  offset_ += buffer_.size();
  buffer_.clear();
  return absl::OkStatus();
}

absl::StatusOr<RowWriter> RowWriter::Create(const std::string& path, const VectorFormat& format,
                                            FileElement element, uint32_t dimension) {
  RowLayout layout{std::string(format.name), format.kind == Kind::kNpy ? element : format.element,
                   dimension};
  layout.header_bytes = HeaderBytes(format.kind);
  layout.prefix_bytes = format.kind == Kind::kVecs ? sizeof(int32_t) : 0;
  KITH_ASSIGN_OR_RETURN(OutputFile file, OutputFile::Create(path));
  return RowWriter(std::move(file), format.kind, std::move(layout), path);
}

RowWriter::RowWriter(OutputFile file, Kind kind, RowLayout layout, std::string path)
    : output_(std::move(file), layout.header_bytes),
      kind_(kind),
      layout_(std::move(layout)),
      path_(std::move(path)) {}

absl::Status RowWriter::Append(std::span<const std::byte> row) {
  if (layout_.prefix_bytes > 0) {
    KITH_RETURN_IF_ERROR(output_.Append(std::as_bytes(std::span(&layout_.dimension, 1))));
  }
  KITH_RETURN_IF_ERROR(output_.Append(row));
  ++layout_.rows;
  return absl::OkStatus();
}

absl::Status RowWriter::Finish() {
  KITH_RETURN_IF_ERROR(output_.Flush());
  if (kind_ == Kind::kNpy) {
    const std::string header =
        NpyHeaderText(NpyDescr(layout_.element), layout_.rows, layout_.dimension);
    return output_.file().WriteAt(0, std::as_bytes(std::span(header)));
  }
  if (kind_ != Kind::kBin) return absl::OkStatus();
  if (layout_.rows > std::numeric_limits<uint32_t>::max()) {
    return Error(absl::StatusCode::kOutOfRange, reason::kBadRequest,
                 fmt::format("{}: {} rows are more than the header of {} can say; use npy or fvecs",
                             path_, layout_.rows, layout_.format));
  }
  const std::array<uint32_t, 2> header{static_cast<uint32_t>(layout_.rows), layout_.dimension};
  return output_.file().WriteAt(0, std::as_bytes(std::span(header)));
}

}  // namespace kith::cli
