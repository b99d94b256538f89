#include "index/allowed_lists.h"

#include <algorithm>

namespace kith::index {
namespace {

uint64_t NextId() {
  static std::atomic<uint64_t> last{0};
  return last.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

AllowedLists::AllowedLists(std::span<const uint64_t> rows, Segments segments, uint32_t lists)
    : id_(NextId()),
      rows_(rows),
      segments_(segments.begin(), segments.end()),
      lists_(lists),
      entries_(new Entry[segments.size() * lists]()),
      bytes_(segments.size() * lists * sizeof(Entry)),
      empty_(new std::atomic<uint64_t>[lists / 64 + 1]()),
      empty_share_(SampleEmpty()) {}

AllowedLists::~AllowedLists() {
  for (size_t i = 0; i < segments_.size() * lists_; ++i) {
    delete[] entries_[i].load(std::memory_order_relaxed);
  }
}

void AllowedLists::NoteEmpty(uint32_t list) const {
  const uint64_t bit = uint64_t{1} << (list % 64);
  const uint64_t before = empty_[list / 64].fetch_or(bit, std::memory_order_relaxed);
  if ((before & bit) == 0) known_empty_.fetch_add(1, std::memory_order_relaxed);
}

double AllowedLists::SampleEmpty() const {
  constexpr uint32_t kSampled = 64;
  const uint32_t step = std::max(1u, lists_ / kSampled);
  uint32_t looked = 0;
  uint32_t empty = 0;
  for (uint32_t list = step / 2; list < lists_; list += step) {
    uint32_t rows = 0;
    uint32_t passing = 0;
    for (size_t segment = 0; segment < segments_.size(); ++segment) {
      rows += segments_[segment]->list(list).count;
      passing += Of(segment, list).passing;
    }
    looked += rows > 0 ? 1 : 0;
    empty += rows > 0 && passing == 0 ? 1 : 0;
  }
  return looked == 0 ? 0 : static_cast<double>(empty) / looked;
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
