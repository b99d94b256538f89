#include "index/gpu/allowed_rows.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <span>

namespace kith::index::gpu {

Status AllowedRows::Allocate(Card& card, uint64_t rows_end) {
  held_ = 0;
  return bits_.Allocate(card, rows_end);
}

Status AllowedRows::Hold(Card& card, const AllowedLists& allowed) {
  if (held_ == allowed.id()) return {};
  held_ = 0;
  const auto bytes = std::as_bytes(allowed.rows());
  if (const uint64_t rows_end = bytes.size() * 8; !bits_.HasRoomFor(rows_end)) {
    if (Status status = bits_.Grow(card, rows_end); !status.ok()) return status;
  }
  constexpr size_t kStagedBytes = RowBits::kStagedPages * RowBits::kPageBytes;
  auto* const to = reinterpret_cast<std::byte*>(bits_.data());
  for (size_t begin = 0; begin < bytes.size(); begin += kStagedBytes) {
    const auto piece = bytes.subspan(begin, std::min(kStagedBytes, bytes.size() - begin));
    const Result<uint32_t*> staging = bits_.Staging(card);
    if (!staging.ok()) return staging.status();
    std::memcpy(*staging, piece.data(), piece.size());
    Status status = card.CopyIn({to + begin, *staging, piece.size()});
    if (status.ok()) status = bits_.MarkSent(card);
    if (!status.ok()) return status;
  }
  held_ = allowed.id();
  return {};
}

}  // namespace kith::index::gpu
