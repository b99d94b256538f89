#include "index/tombstones.h"

#include <algorithm>
#include <bit>

namespace kith::index {

Tombstones Tombstones::With(std::span<const uint32_t> rows) const {
  Tombstones next = *this;
  if (rows.empty()) return next;
  // Sorted, so that each touched branch and page is copied once.
  std::vector<uint32_t> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end());
  next.root_.resize(
      std::max<size_t>(root_.size(), (sorted.back() >> (kPageBits + kBranchBits)) + 1));
  std::shared_ptr<Branch> branch;
  std::shared_ptr<Page> page;
  uint32_t open_branch = 0;
  uint32_t open_page = 0;
  for (const uint32_t row : sorted) {
    const uint32_t page_number = row >> kPageBits;
    const uint32_t branch_number = page_number >> kBranchBits;
    if (branch == nullptr || branch_number != open_branch) {
      const auto& old = next.root_[branch_number];
      branch = old == nullptr ? std::make_shared<Branch>() : std::make_shared<Branch>(*old);
      next.root_[branch_number] = branch;
      open_branch = branch_number;
      page = nullptr;
    }
    if (page == nullptr || page_number != open_page) {
      auto& slot = branch->pages[page_number & (kBranchPages - 1)];
      page = slot == nullptr ? std::make_shared<Page>() : std::make_shared<Page>(*slot);
      slot = page;
      open_page = page_number;
    }
    uint64_t& word = page->words[(row >> 6) & (kPageWords - 1)];
    const uint64_t bit = uint64_t{1} << (row & 63);
    next.dead_rows_ += (word & bit) == 0;
    word |= bit;
  }
  return next;
}

uint64_t Tombstones::DeadBetween(uint32_t begin, uint32_t end) const {
  uint64_t dead = 0;
  for (uint64_t row = begin; row < end;) {
    const uint64_t page_end = ((row >> kPageBits) + 1) << kPageBits;
    const Page* page = FindPage(static_cast<uint32_t>(row));
    if (page == nullptr) {
      row = page_end;
      continue;
    }
    const uint64_t stop = std::min<uint64_t>(page_end, end);
    while (row < stop) {
      const uint64_t word_end = std::min<uint64_t>(stop, (row | 63) + 1);
      uint64_t word = page->words[(row >> 6) & (kPageWords - 1)] >> (row & 63);
      if (word_end - row < 64) word &= (uint64_t{1} << (word_end - row)) - 1;
      dead += std::popcount(word);
      row = word_end;
    }
  }
  return dead;
}

uint64_t Tombstones::memory_bytes() const {
  uint64_t bytes = sizeof(*this) + root_.capacity() * sizeof(root_[0]);
  for (const auto& branch : root_) {
    if (branch == nullptr) continue;
    bytes += sizeof(Branch);
    for (const auto& page : branch->pages) bytes += page == nullptr ? 0 : sizeof(Page);
  }
  return bytes;
}

std::vector<uint64_t> Tombstones::ToWords(uint32_t row_end) const {
  std::vector<uint64_t> words((uint64_t{row_end} + 63) / 64);
  for (size_t begin = 0; begin < words.size(); begin += kPageWords) {
    const Page* page = FindPage(static_cast<uint32_t>(begin * 64));
    if (page == nullptr) continue;
    const size_t count = std::min<size_t>(kPageWords, words.size() - begin);
    std::copy_n(page->words.begin(), count, words.begin() + static_cast<ptrdiff_t>(begin));
  }
  if (row_end % 64 != 0) words.back() &= (uint64_t{1} << (row_end % 64)) - 1;
  return words;
}

Tombstones Tombstones::FromWords(std::span<const uint64_t> words) {
  Tombstones tombstones;
  std::shared_ptr<Branch> branch;
  size_t open_branch = 0;
  for (size_t begin = 0; begin < words.size(); begin += kPageWords) {
    const auto chunk = words.subspan(begin, std::min<size_t>(kPageWords, words.size() - begin));
    if (std::all_of(chunk.begin(), chunk.end(), [](uint64_t word) { return word == 0; })) continue;
    const size_t page_number = begin / kPageWords;
    if (branch == nullptr || page_number >> kBranchBits != open_branch) {
      open_branch = page_number >> kBranchBits;
      branch = std::make_shared<Branch>();
      tombstones.root_.resize(open_branch + 1);
      tombstones.root_[open_branch] = branch;
    }
    auto page = std::make_shared<Page>();
    std::copy(chunk.begin(), chunk.end(), page->words.begin());
    for (const uint64_t word : chunk) tombstones.dead_rows_ += std::popcount(word);
    branch->pages[page_number & (kBranchPages - 1)] = std::move(page);
  }
  return tombstones;
}

}  // namespace kith::index
