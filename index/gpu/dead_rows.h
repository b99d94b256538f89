#ifndef KITH_INDEX_GPU_DEAD_ROWS_H_
#define KITH_INDEX_GPU_DEAD_ROWS_H_

#include <cstdint>
#include <vector>

#include "index/gpu/row_bits.h"
#include "index/tombstones.h"

namespace kith::index::gpu {

// Tombstones on a card, a bit a row. It follows the host's: only pages that another snapshot
// changed are copied. The copies lie between two batches, so that each batch sees one snapshot.
//
// Threads: as its card.
class DeadRows {
 public:
  // For rows below rows_end; more are taken when they come.
  Status Allocate(Card& card, uint64_t rows_end);
  // Makes the card's bits those of `tombstones`, for rows below rows_end.
  Status Follow(Card& card, const Tombstones& tombstones, uint64_t rows_end);

  // Null where no row is dead.
  const uint32_t* bits() const { return followed_.dead_rows() == 0 ? nullptr : bits_.data(); }
  uint64_t bytes() const { return bits_.bytes(); }

 private:
  Status CopyPages(Card& card, const std::vector<uint32_t>& numbers);

  RowBits bits_;
  Tombstones followed_;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_DEAD_ROWS_H_
