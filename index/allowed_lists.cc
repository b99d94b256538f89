#include "index/allowed_lists.h"

#include <algorithm>

namespace kith::index {

AllowedLists::AllowedLists(std::span<const uint64_t> rows, Segments segments, uint32_t lists)
    : rows_(rows),
      segments_(segments.begin(), segments.end()),
      lists_(lists),
      entries_(new Entry[segments.size() * lists]()),
      bytes_(segments.size() * lists * sizeof(Entry)) {}

AllowedLists::~AllowedLists() {
  for (size_t i = 0; i < segments_.size() * lists_; ++i) {
    delete[] entries_[i].load(std::memory_order_relaxed);
  }
}

bool AllowedLists::IsOf(Segments segments) const {
  return std::equal(segments.begin(), segments.end(), segments_.begin(), segments_.end());
}

const uint64_t* AllowedLists::Make(const ListSegment::List& list) const {
  const size_t words = (list.count + 63) / 64;
  auto* const made = new uint64_t[1 + words]();
  for (uint32_t i = 0; i < list.count; ++i) {
    const uint32_t row = list.rows[i];
    const uint64_t bit = rows_[row >> 6] >> (row & 63) & 1;
    made[0] += bit;
    made[1 + i / 64] |= bit << (i % 64);
  }
  bytes_.fetch_add((1 + words) * sizeof(uint64_t), std::memory_order_relaxed);
  return made;
}

// Two searches may make the same words; the first to be done is believed.
AllowedLists::List AllowedLists::Of(size_t segment, uint32_t list) const {
  Entry& entry = entries_[segment * lists_ + list];
  const uint64_t* words = entry.load(std::memory_order_acquire);
  if (words == nullptr) {
    const uint64_t* const made = Make(segments_[segment]->list(list));
    if (entry.compare_exchange_strong(words, made, std::memory_order_acq_rel)) {
      words = made;
    } else {
      delete[] made;
    }
  }
  return {words + 1, static_cast<uint32_t>(words[0])};
}

}  // namespace kith::index
