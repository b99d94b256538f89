#include "index/gpu/segment_loader.h"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

#include "index/gpu/card_plan.h"
#include "index/gpu/group_packing.h"
#include "index/parallel.h"

namespace kith::index::gpu {

uint64_t PagesOfSegment(const ListSegment& segment, uint32_t lists, uint32_t page_vectors) {
  uint64_t pages = 0;
  for (uint32_t list = 0; list < lists; ++list) {
    pages += PagesOfList(segment.list(list).count, page_vectors);
  }
  return pages;
}

Status PageStaging::Allocate(Card& card, const CardSlab& slab, uint32_t dimension) {
  const uint64_t page = slab.page_code_bytes() + uint64_t{slab.page_vectors()} * (dimension + 4);
  const uint64_t pages = std::max<uint64_t>(1, std::min(kBytes / page, slab.pages()));
  Status status = codes.Allocate(card, pages * slab.page_code_bytes());
  if (status.ok()) status = plane_b.Allocate(card, pages * slab.page_vectors() * dimension);
  if (status.ok()) status = rows.Allocate(card, pages * slab.page_vectors());
  if (status.ok()) status = page_lists.Allocate(card, pages);
  return status;
}

SegmentLoader::SegmentLoader(const Place& place, std::shared_ptr<const ListSegment> segment)
    : place_(place), image_(std::make_unique<SegmentImage>()) {
  image_->segment = std::move(segment);
}

SegmentLoader::~SegmentLoader() {
  if (image_ != nullptr) place_.slab.GiveBack(image_->pages);
}

Status SegmentLoader::Begin() {
  const uint32_t lists = place_.version.lists();
  const uint32_t page_vectors = place_.slab.page_vectors();
  std::vector<uint32_t> begins(lists + 1);
  std::vector<uint32_t> counts(lists);
  for (uint32_t list = 0; list < lists; ++list) {
    counts[list] = image_->segment->list(list).count;
    for (uint32_t begin = 0; begin < counts[list]; begin += page_vectors) {
      pages_of_lists_.push_back({list, begin, std::min(counts[list], begin + page_vectors)});
    }
    begins[list + 1] = static_cast<uint32_t>(pages_of_lists_.size());
  }
  if (!place_.slab.Take(pages_of_lists_.size(), image_->pages)) {
    return {Code::kResourceExhausted, kCardTooSmall,
            "the segment takes " + std::to_string(pages_of_lists_.size()) + " pages, and " +
                std::to_string(place_.slab.free_pages()) + " are left"};
  }
  Card& card = place_.card;
  Status status = image_->card_begins.Allocate(card, begins.size());
  if (status.ok()) status = image_->card_counts.Allocate(card, counts.size());
  if (status.ok()) {
    status = image_->card_pages.Allocate(card, std::max<size_t>(1, image_->pages.size()));
  }
  if (status.ok()) {
    status = card.CopyIn({image_->card_begins.data(), begins.data(), image_->card_begins.bytes()});
  }
  if (status.ok()) {
    status = card.CopyIn({image_->card_counts.data(), counts.data(), image_->card_counts.bytes()});
  }
  if (status.ok() && !image_->pages.empty()) {
    status =
        card.CopyIn({image_->card_pages.data(), image_->pages.data(), image_->pages.size() * 4});
  }
  return status.ok() ? card.Wait() : status;
}

// Packs page `piece` of the segment as page `place` of the staging.
void SegmentLoader::Pack(size_t piece, size_t place) const {
  const Piece& page = pages_of_lists_[piece];
  const uint32_t dimension = place_.version.dimension();
  const uint32_t page_vectors = place_.slab.page_vectors();
  const ScanShape shape = MakeScanShape(place_.version.subspaces());
  PageStaging& staging = place_.staging;
  const ListSegment::List list = image_->segment->list(page.list);
  const uint32_t count = page.end - page.begin;

  uint32_t* rows = staging.rows.data() + place * page_vectors;
  std::fill_n(std::copy_n(list.rows + page.begin, count, rows), page_vectors - count, 0u);
  uint8_t* plane_b = staging.plane_b.data() + place * page_vectors * dimension;
  const size_t plane_b_bytes = size_t{count} * dimension;
  std::memcpy(plane_b, list.plane_b + size_t{page.begin} * dimension, plane_b_bytes);
  std::memset(plane_b + plane_b_bytes, 0, size_t{page_vectors} * dimension - plane_b_bytes);
  staging.page_lists.data()[place] = page.list;

  const ListSegment::CanonicalCodes codes =
      image_->segment->Codes({page.list, page.begin, page.end});
  uint8_t* group = staging.codes.data() + place * place_.slab.page_code_bytes();
  for (uint32_t first = 0; first < page_vectors; first += kGroupVectors) {
    const uint32_t begin = std::min(first, count);
    const uint32_t some = std::min(kGroupVectors, count - begin);
    PackGroup(shape,
              {std::span(codes.plane_a)
                   .subspan(size_t{begin} * shape.subspaces, size_t{some} * shape.subspaces),
               std::span(codes.bias).subspan(begin, some)},
              group);
    group += shape.group_bytes();
  }
}

// Neighbours on the card go in one piece.
Status SegmentLoader::CopyPages(size_t begin, size_t end) {
  const PageStaging& staging = place_.staging;
  for (size_t first = begin; first < end;) {
    size_t next = first + 1;
    while (next < end && image_->pages[next] == image_->pages[next - 1] + 1) ++next;
    const size_t place = first - begin;
    const size_t vectors = place * place_.slab.page_vectors();
    const Status status = place_.slab.Write(
        place_.card, {image_->pages[first], static_cast<uint32_t>(next - first),
                      staging.codes.data() + place * place_.slab.page_code_bytes(),
                      staging.plane_b.data() + vectors * place_.version.dimension(),
                      staging.rows.data() + vectors, staging.page_lists.data() + place});
    if (!status.ok()) return status;
    first = next;
  }
  return place_.card.Wait();
}

Status SegmentLoader::Step() {
  const size_t some =
      std::min<size_t>(place_.staging.page_lists.count(), pages_of_lists_.size() - next_);
  constexpr size_t kChunkPages = 16;
  ForEachChunk(
      place_.threads, (some + kChunkPages - 1) / kChunkPages,
      [&](size_t chunk) {
        const size_t end = std::min(some, (chunk + 1) * kChunkPages);
        for (size_t i = chunk * kChunkPages; i < end; ++i) Pack(next_ + i, i);
      },
      [](size_t) { return true; });
  if (Status status = CopyPages(next_, next_ + some); !status.ok()) return status;
  for (size_t i = 0; i < some; ++i) {
    rows_loaded_ += pages_of_lists_[next_ + i].end - pages_of_lists_[next_ + i].begin;
  }
  next_ += some;
  return {};
}

std::unique_ptr<SegmentImage> SegmentLoader::TakeImage() { return std::move(image_); }

}  // namespace kith::index::gpu
