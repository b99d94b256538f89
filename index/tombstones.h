#ifndef KITH_INDEX_TOMBSTONES_H_
#define KITH_INDEX_TOMBSTONES_H_

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace kith::index {

// Which rows are dead. A persistent bitmap: marking rows makes a new value that shares every
// untouched page with the old one, so a pinned snapshot never changes under a search.
//
// Threads: a value is immutable; copying one is cheap and may be done from any thread.
class Tombstones {
 public:
  // A copy of this with `rows` dead too.
  Tombstones With(std::span<const uint32_t> rows) const;

  bool IsDead(uint32_t row) const {
    const Page* page = FindPage(row);
    return page != nullptr && (page->words[(row >> 6) & (kPageWords - 1)] >> (row & 63) & 1) != 0;
  }
  uint64_t dead_rows() const { return dead_rows_; }
  // Dead rows in [begin, end).
  uint64_t DeadBetween(uint32_t begin, uint32_t end) const;
  uint64_t memory_bytes() const;

  // 64-bit words, row 0 in bit 0 of word 0, enough for row_end rows; for checkpoints.
  std::vector<uint64_t> ToWords(uint32_t row_end) const;
  static Tombstones FromWords(std::span<const uint64_t> words);

 private:
  static constexpr uint32_t kPageBits = 12;  // 4,096 rows, 512 bytes
  static constexpr uint32_t kPageWords = (1u << kPageBits) / 64;
  static constexpr uint32_t kBranchBits = 8;
  static constexpr uint32_t kBranchPages = 1u << kBranchBits;

  struct Page {
    std::array<uint64_t, kPageWords> words{};
  };
  struct Branch {
    std::array<std::shared_ptr<const Page>, kBranchPages> pages;
  };

  // The page of `row`, null where none of its rows is dead.
  const Page* FindPage(uint32_t row) const {
    const uint32_t branch = row >> (kPageBits + kBranchBits);
    if (branch >= root_.size() || root_[branch] == nullptr) return nullptr;
    return root_[branch]->pages[(row >> kPageBits) & (kBranchPages - 1)].get();
  }

  std::vector<std::shared_ptr<const Branch>> root_;
  uint64_t dead_rows_ = 0;
};

}  // namespace kith::index

#endif  // KITH_INDEX_TOMBSTONES_H_
