#include "index/gpu/dead_rows.h"

#include <algorithm>
#include <cstring>

namespace kith::index::gpu {
namespace {

constexpr uint64_t kPageBytes = Tombstones::kPageRows / 8;
constexpr uint64_t kPageWords = kPageBytes / sizeof(uint32_t);
constexpr uint64_t kStagedPages = 256;

}  // namespace

Status DeadRows::Allocate(Card& card, uint64_t rows_end) {
  const uint64_t pages =
      std::max<uint64_t>(1, (rows_end + Tombstones::kPageRows - 1) / Tombstones::kPageRows);
  Status status = bits_.Allocate(card, pages * kPageWords);
  if (status.ok()) status = card.Clear(bits_.data(), bits_.bytes());
  if (status.ok() && staging_.count() == 0) {
    status = staging_.Allocate(card, kStagedPages * kPageWords);
  }
  followed_ = Tombstones();
  return status;
}

Status DeadRows::Follow(Card& card, const Tombstones& tombstones, uint64_t rows_end) {
  if (rows_end > bits_.count() * 32) {
    // Room for half as many again, so that this stays rare.
    if (Status status = Allocate(card, rows_end + rows_end / 2); !status.ok()) return status;
  }
  const uint64_t pages = bits_.count() / kPageWords;
  std::vector<uint32_t> changed = tombstones.PagesChangedSince(followed_);
  while (!changed.empty() && changed.back() >= pages) changed.pop_back();  // all dead, not written
  followed_ = tombstones;
  return CopyPages(card, changed);
}

Status DeadRows::CopyPages(Card& card, const std::vector<uint32_t>& numbers) {
  for (size_t begin = 0; begin < numbers.size(); begin += kStagedPages) {
    const size_t end = std::min(numbers.size(), begin + kStagedPages);
    for (size_t i = begin; i < end; ++i) {
      uint32_t* to = staging_.data() + (i - begin) * kPageWords;
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
      const Status status = card.CopyIn({bits_.data() + uint64_t{numbers[first]} * kPageWords,
                                         staging_.data() + (first - begin) * kPageWords,
                                         (next - first) * kPageBytes});
      if (!status.ok()) return status;
      first = next;
    }
    // The staging is written again.
    if (Status status = card.Wait(); !status.ok()) return status;
  }
  return {};
}

}  // namespace kith::index::gpu
