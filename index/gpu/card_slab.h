#ifndef KITH_INDEX_GPU_CARD_SLAB_H_
#define KITH_INDEX_GPU_CARD_SLAB_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/gpu/card_memory.h"
#include "index/index_version.h"

namespace kith::index::gpu {

// All pages that an index may have on a card, allocated at once: what comes and goes afterwards
// takes and gives back pages, and nothing is allocated beside searches.
//
// Threads: as its card.
class CardSlab {
 public:
  struct Size {
    uint64_t pages = 0;
    uint32_t page_vectors = 0;
  };

  // kResourceExhausted GPU_OUT_OF_MEMORY; GPU_TOO_SMALL beyond 2^32 slots.
  Status Allocate(Card& card, const IndexParameters& parameters, const Size& size);

  // Takes the lowest free pages; false, and none, where there are too few.
  bool Take(uint64_t count, std::vector<uint32_t>& pages);
  void GiveBack(std::span<const uint32_t> pages);

  const SlabView& view() const { return view_; }
  uint64_t pages() const { return size_.pages; }
  uint64_t free_pages() const { return free_.size(); }
  uint32_t page_vectors() const { return size_.page_vectors; }
  uint32_t page_code_bytes() const { return page_code_bytes_; }
  uint64_t code_bytes() const { return codes_.bytes(); }
  uint64_t refine_bytes() const { return plane_b_.bytes(); }
  uint64_t row_bytes() const { return rows_.bytes() + page_lists_.bytes(); }

  // `count` pages in host memory, one after the other, that are neighbours on the card too.
  struct Run {
    uint32_t first_page;
    uint32_t count;
    const uint8_t* codes;
    const uint8_t* plane_b;
    const uint32_t* rows;
    const uint32_t* page_lists;
  };
  Status Write(Card& card, const Run& run);

 private:
  Size size_;
  uint32_t page_code_bytes_ = 0;
  uint32_t dimension_ = 0;
  SlabView view_;
  OnCard<uint8_t> codes_;
  OnCard<uint8_t> plane_b_;
  OnCard<uint32_t> rows_;
  OnCard<uint32_t> page_lists_;
  std::vector<uint32_t> free_;  // descending, so that the lowest is taken first
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_CARD_SLAB_H_
