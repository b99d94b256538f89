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

Status RowBits::Grow(Card& card, uint64_t rows_end) {
  const Status status = card.Wait();
  return status.ok() ? Allocate(card, rows_end + rows_end / 2) : status;
}

Result<uint32_t*> RowBits::Staging(Card& card) {
  if (sent_ != 0) {
    if (Status status = card.Await(sent_); !status.ok()) return status;
  }
  return staging_.data();
}

Status RowBits::MarkSent(Card& card) {
  const Result<uint64_t> mark = card.Mark();
  if (mark.ok()) sent_ = *mark;
  return mark.status();
}

}  // namespace kith::index::gpu
