#include "cli/data/line_scanner.h"

#include <algorithm>

#include "common/base/status.h"

namespace kith::cli {
namespace {
constexpr size_t kChunkBytes = 256 << 10;
}

void LineScanner::Seek(uint64_t offset) {
  buffer_.clear();
  start_ = 0;
  offset_ = offset;
}

// Makes at least `wanted` unread bytes available, or all that the file has.
absl::Status LineScanner::Fill(size_t wanted) {
  const uint64_t rest = file_.size() - std::min(file_.size(), offset_);
  wanted = static_cast<size_t>(std::min<uint64_t>(wanted, rest));
  if (held().size() >= wanted) return absl::OkStatus();
  buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<ptrdiff_t>(start_));
  start_ = 0;
  const size_t have = buffer_.size();
  buffer_.resize(wanted);
  return file_.ReadAt(offset_ + have, std::span(buffer_).subspan(have));
}

absl::StatusOr<std::optional<LineScanner::Line>> LineScanner::Next() {
  size_t wanted = kChunkBytes;
  while (true) {
    const size_t end = held().find('\n');
    const bool whole = end != std::string_view::npos;
    const bool more = offset_ + held().size() < file_.size();
    if (!whole && more && held().size() <= kLineBytesMax) {
      if (held().size() >= wanted) wanted = std::min(2 * wanted, kLineBytesMax + 1);
      KITH_RETURN_IF_ERROR(Fill(wanted));
      continue;
    }
    std::string_view text = held().substr(0, end);
    if (text.size() > kLineBytesMax) break;
    if (!whole && text.empty()) return std::optional<Line>();
    const size_t taken = text.size() + (whole ? 1 : 0);
    start_ += taken;
    offset_ += taken;
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    return std::optional<Line>(Line{text, false});
  }
  KITH_RETURN_IF_ERROR(SkipLongLine());
  return std::optional<Line>(Line{{}, true});
}

absl::Status LineScanner::SkipLongLine() {
  while (true) {
    const size_t end = held().find('\n');
    const size_t taken = end == std::string_view::npos ? held().size() : end + 1;
    start_ += taken;
    offset_ += taken;
    if (end != std::string_view::npos) return absl::OkStatus();
    KITH_RETURN_IF_ERROR(Fill(kChunkBytes));
    if (held().empty()) return absl::OkStatus();
  }
}

}  // namespace kith::cli
