#ifndef KITH_INDEX_GPU_SEGMENT_LOADER_H_
#define KITH_INDEX_GPU_SEGMENT_LOADER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "index/gpu/card_slab.h"
#include "index/list_segment.h"

namespace kith::index::gpu {

// The pages that a segment of an index takes.
uint64_t PagesOfSegment(const ListSegment& segment, uint32_t lists, uint32_t page_vectors);

// A segment on a card: immutable, as the one of the host that it is the image of.
struct SegmentImage {
  std::shared_ptr<const ListSegment> segment;
  std::vector<uint32_t> pages;
  OnCard<uint32_t> card_begins;
  OnCard<uint32_t> card_counts;
  OnCard<uint32_t> card_pages;

  SegmentView view() const { return {card_begins.data(), card_counts.data(), card_pages.data()}; }
  uint64_t bytes() const { return card_begins.bytes() + card_counts.bytes() + card_pages.bytes(); }
};

// Host memory in which pages are packed before they are copied; one for all segments of an index.
class PageStaging {
 public:
  static constexpr uint64_t kBytes = 32 << 20;  // at most, but for a page at least

  Status Allocate(Card& card, const CardSlab& slab, uint32_t dimension);

  Pinned<uint8_t> codes;
  Pinned<uint8_t> plane_b;
  Pinned<uint32_t> rows;
  Pinned<uint32_t> page_lists;
};

// Packs a segment and copies it to a card, some pages a step, so that searches run in between.
//
// Threads: as its card; a step packs on `threads` threads of its own.
class SegmentLoader {
 public:
  struct Place {
    Card& card;
    CardSlab& slab;
    PageStaging& staging;
    const IndexVersion& version;
    int threads = 1;
  };

  SegmentLoader(const Place& place, std::shared_ptr<const ListSegment> segment);
  // Gives its pages back unless TakeImage was called.
  ~SegmentLoader();
  SegmentLoader(const SegmentLoader&) = delete;
  SegmentLoader& operator=(const SegmentLoader&) = delete;

  // Takes the pages. kResourceExhausted GPU_TOO_SMALL where the slab has too few.
  Status Begin();
  // Loads the next pages. When is_done() turns true, all is on the card.
  Status Step();
  const ListSegment* segment() const { return image_->segment.get(); }
  bool is_done() const { return next_ == pages_of_lists_.size(); }
  uint64_t rows_loaded() const { return rows_loaded_; }

  std::unique_ptr<SegmentImage> TakeImage();

 private:
  // A page of a list: its vectors [begin, end).
  struct Piece {
    uint32_t list;
    uint32_t begin;
    uint32_t end;
  };

  void Pack(size_t piece, size_t place) const;
  Status CopyPages(size_t begin, size_t end);

  const Place place_;
  std::unique_ptr<SegmentImage> image_;
  std::vector<Piece> pages_of_lists_;
  size_t next_ = 0;
  uint64_t rows_loaded_ = 0;
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_SEGMENT_LOADER_H_
