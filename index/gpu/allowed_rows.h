#ifndef KITH_INDEX_GPU_ALLOWED_ROWS_H_
#define KITH_INDEX_GPU_ALLOWED_ROWS_H_

#include <cstdint>

#include "index/allowed_lists.h"
#include "index/gpu/row_bits.h"

namespace kith::index::gpu {

// The rows that one filter lets through, on a card, a bit a row: those of the filter used last.
//
// Threads: as its card.
class AllowedRows {
 public:
  // For rows below rows_end; more are taken when they come.
  Status Allocate(Card& card, uint64_t rows_end);
  // Makes the card's bits those of `allowed`; copies nothing where they are already.
  Status Hold(Card& card, const AllowedLists& allowed);

  const uint32_t* bits() const { return bits_.data(); }
  uint64_t bytes() const { return bits_.bytes(); }

 private:
  RowBits bits_;
  uint64_t held_ = 0;  // AllowedLists::id; 0: none
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_ALLOWED_ROWS_H_
