#ifndef KITH_INDEX_TOMBSTONES_H_
#define KITH_INDEX_TOMBSTONES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace kith::index {

// Which rows are dead. A persistent bitmap: marking rows makes a new value that shares every
// untouched page with the old one, so a pinned snapshot never changes under a search. Pages, and
// branches of pages, whose rows are all dead are one and the same for everybody, so that rows that
// died long ago take no memory.
//
// Threads: a value is immutable; copying one is cheap and may be done from any thread.
class Tombstones {
 public:
  static constexpr uint32_t kPageBits = 12;  // 4,096 rows, 512 bytes
  static constexpr uint32_t kPageRows = 1u << kPageBits;
  static constexpr uint32_t kPageWords = kPageRows / 64;
  using PageWords = std::array<uint64_t, kPageWords>;  // row 0 of the page in bit 0 of word 0

  // A copy of this with `rows` dead too.
  Tombstones With(std::span<const uint32_t> rows) const;
  // A copy of this with the rows of [begin, end) dead too, and one with those of whole pages.
  Tombstones WithRange(uint32_t begin, uint32_t end) const;
  Tombstones WithPages(std::span<const uint32_t> numbers) const;

  bool IsDead(uint32_t row) const {
    const Page* page = FindPage(row);
    return page != nullptr && (page->words[(row >> 6) & (kPageWords - 1)] >> (row & 63) & 1) != 0;
  }
  uint64_t dead_rows() const { return dead_rows_; }
  // Dead rows in [begin, end).
  uint64_t DeadBetween(uint32_t begin, uint32_t end) const;
  // `row`, or where it lies in pages whose rows are all dead, the first row after them: 64 bits,
  // for that may be 2^32.
  uint64_t SkipDeadPages(uint64_t row) const;
  uint64_t memory_bytes() const;

  // For checkpoints: the pages by number, null where none of a page's rows is dead.
  uint32_t page_count() const { return static_cast<uint32_t>(root_.size()) << kBranchBits; }
  const PageWords* page(uint32_t number) const;
  // The pages, ascending, that are not the ones `before` has; what both share is passed over a
  // branch at a time.
  std::vector<uint32_t> PagesChangedSince(const Tombstones& before) const;
  // pages[i] has the number numbers[i], ascending; those that are not named have no dead row.
  static Tombstones FromPages(std::span<const uint32_t> numbers, std::span<const PageWords> pages);

 private:
  static constexpr uint32_t kBranchBits = 8;
  static constexpr uint32_t kBranchPages = 1u << kBranchBits;
  static constexpr uint32_t kBranchRowBits = kPageBits + kBranchBits;

  struct Page {
    PageWords words{};
  };
  struct Branch {
    std::array<std::shared_ptr<const Page>, kBranchPages> pages;
  };
  class Editor;

  static const std::shared_ptr<const Page>& DeadPage();
  static const std::shared_ptr<const Branch>& DeadBranch();
  const Branch* FindBranch(uint64_t row) const {
    const uint64_t branch = row >> kBranchRowBits;
    return branch < root_.size() ? root_[branch].get() : nullptr;
  }
  // The page of `row`, null where none of its rows is dead.
  const Page* FindPage(uint32_t row) const {
    const Branch* branch = FindBranch(row);
    return branch == nullptr ? nullptr
                             : branch->pages[(row >> kPageBits) & (kBranchPages - 1)].get();
  }

  std::vector<std::shared_ptr<const Branch>> root_;
  uint64_t dead_rows_ = 0;
};

}  // namespace kith::index

#endif  // KITH_INDEX_TOMBSTONES_H_
