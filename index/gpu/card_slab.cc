#include "index/gpu/card_slab.h"

#include <algorithm>
#include <functional>

namespace kith::index::gpu {

Status CardSlab::Allocate(Card& card, const IndexParameters& parameters, const Size& size) {
  if (size.pages * size.page_vectors > (uint64_t{1} << 32)) {
    return {Code::kResourceExhausted, kCardTooSmall,
            "an index on a card has at most 2^32 places for vectors"};
  }
  size_ = size;
  dimension_ = parameters.dimension;
  page_code_bytes_ =
      size.page_vectors / kGroupVectors * MakeScanShape(parameters.subspaces).group_bytes();
  Status status = codes_.Allocate(card, size.pages * page_code_bytes_);
  if (status.ok()) {
    status = plane_b_.Allocate(card, size.pages * size.page_vectors * parameters.dimension);
  }
  if (status.ok()) status = rows_.Allocate(card, size.pages * size.page_vectors);
  if (status.ok()) status = page_lists_.Allocate(card, size.pages);
  if (!status.ok()) return status;
  view_ = {size.page_vectors, codes_.data(), plane_b_.data(), rows_.data(), page_lists_.data()};
  free_.resize(size.pages);
  for (uint64_t i = 0; i < size.pages; ++i) {
    free_[i] = static_cast<uint32_t>(size.pages - 1 - i);
  }
  return {};
}

bool CardSlab::Take(uint64_t count, std::vector<uint32_t>& pages) {
  if (count > free_.size()) return false;
  pages.assign(free_.rbegin(), free_.rbegin() + static_cast<ptrdiff_t>(count));
  free_.resize(free_.size() - count);
  return true;
}

void CardSlab::GiveBack(std::span<const uint32_t> pages) {
  free_.insert(free_.end(), pages.begin(), pages.end());
  std::sort(free_.begin(), free_.end(), std::greater<>());
}

Status CardSlab::Write(Card& card, const Run& run) {
  const uint64_t vectors = uint64_t{run.count} * size_.page_vectors;
  const uint64_t slot = uint64_t{run.first_page} * size_.page_vectors;
  Status status = card.CopyIn({codes_.data() + uint64_t{run.first_page} * page_code_bytes_,
                               run.codes, uint64_t{run.count} * page_code_bytes_});
  if (status.ok()) {
    status = card.CopyIn({plane_b_.data() + slot * dimension_, run.plane_b, vectors * dimension_});
  }
  if (status.ok()) {
    status = card.CopyIn({rows_.data() + slot, run.rows, vectors * sizeof(uint32_t)});
  }
  if (status.ok()) {
    status = card.CopyIn(
        {page_lists_.data() + run.first_page, run.page_lists, run.count * sizeof(uint32_t)});
  }
  return status;
}

}  // namespace kith::index::gpu
