#include "index/gpu/row_bits.h"

#include <algorithm>

namespace kith::index::gpu {

Status RowBits::Allocate(Card& card, uint64_t rows_end) {
  const uint64_t pages =
      std::max<uint64_t>(1, (rows_end + Tombstones::kPageRows - 1) / Tombstones::kPageRows);
  Status status = bits_.Allocate(card, pages * kPageWords);
  if (status.ok()) status = card.Clear(bits_.data(), bits_.bytes());
  if (status.ok() && staging_.count() == 0) {
    status = staging_.Allocate(card, kStagedPages * kPageWords);
  }
  return status;
}

}  // namespace kith::index::gpu
