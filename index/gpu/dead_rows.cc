#include "index/gpu/dead_rows.h"

#include <algorithm>
#include <cstring>

namespace kith::index::gpu {
namespace {

constexpr uint64_t kPageBytes = RowBits::kPageBytes;
constexpr uint64_t kPageWords = RowBits::kPageWords;
constexpr uint64_t kStagedPages = RowBits::kStagedPages;

}  // namespace

Status DeadRows::Allocate(Card& card, uint64_t rows_end) {
  followed_ = Tombstones();
  return bits_.Allocate(card, rows_end);
}

Status DeadRows::Follow(Card& card, const Tombstones& tombstones, uint64_t rows_end) {
  if (!bits_.HasRoomFor(rows_end)) {
    followed_ = Tombstones();
    if (Status status = bits_.Grow(card, rows_end); !status.ok()) return status;
  }
  const uint64_t pages = bits_.pages();
  std::vector<uint32_t> changed = tombstones.PagesChangedSince(followed_);
  while (!changed.empty() && changed.back() >= pages) changed.pop_back();  // all dead, not written
  followed_ = tombstones;
  return CopyPages(card, changed);
}

Status DeadRows::CopyPages(Card& card, const std::vector<uint32_t>& numbers) {
  for (size_t begin = 0; begin < numbers.size(); begin += kStagedPages) {
    const size_t end = std::min(numbers.size(), begin + kStagedPages);
    const Result<uint32_t*> staging = bits_.Staging(card);
    if (!staging.ok()) return staging.status();
    for (size_t i = begin; i < end; ++i) {
      uint32_t* to = *staging + (i - begin) * kPageWords;
      const Tombstones::PageWords* page = followed_.page(numbers[i]);
      if (page == nullptr) {
        std::memset(to, 0, kPageBytes);
      } else {
        std::memcpy(to, page->data(), kPageBytes);
      }
    }
    for (size_t first = begin; first < end;) {
      size_t next = first + 1;
      while (next < end && numbers[next] == numbers[next - 1] + 1) ++next;
      const Status status =
          card.CopyIn({bits_.data() + uint64_t{numbers[first]} * kPageWords,
                       *staging + (first - begin) * kPageWords, (next - first) * kPageBytes});
      if (!status.ok()) return status;
      first = next;
    }
    if (Status status = bits_.MarkSent(card); !status.ok()) return status;
  }
  return {};
}

}  // namespace kith::index::gpu
