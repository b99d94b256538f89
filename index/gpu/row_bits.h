#ifndef KITH_INDEX_GPU_ROW_BITS_H_
#define KITH_INDEX_GPU_ROW_BITS_H_

#include <cstdint>

#include "index/gpu/card_memory.h"
#include "index/tombstones.h"

namespace kith::index::gpu {

// Room for a bit a row on a card, in pages as tombstones have them, and pinned memory through which
// some pages at a time are sent there.
//
// Threads: as its card.
class RowBits {
 public:
  static constexpr uint64_t kPageBytes = Tombstones::kPageRows / 8;
  static constexpr uint64_t kPageWords = kPageBytes / sizeof(uint32_t);
  static constexpr uint64_t kStagedPages = 256;

  // For rows below rows_end, all zeros.
  Status Allocate(Card& card, uint64_t rows_end);
  // As Allocate, with room for half as many again, so that this stays rare. Waits for the card:
  // what it does may read what there was.
  Status Grow(Card& card, uint64_t rows_end);
  bool HasRoomFor(uint64_t rows_end) const { return rows_end <= bits_.count() * 32; }

  uint32_t* data() const { return bits_.data(); }
  uint64_t pages() const { return bits_.count() / kPageWords; }
  uint64_t bytes() const { return bits_.bytes(); }
  // Room for kStagedPages, to be written. Waits until what was sent from there before has left.
  Result<uint32_t*> Staging(Card& card);
  // After the copies from there.
  Status MarkSent(Card& card);

 private:
  OnCard<uint32_t> bits_;
  Pinned<uint32_t> staging_;
  uint64_t sent_ = 0;  // the mark behind the copies from there; 0: none
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_ROW_BITS_H_
