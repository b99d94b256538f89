#include "index/tombstones.h"

#include <algorithm>
#include <bit>

namespace kith::index {
namespace {

constexpr uint64_t kAllDead = ~uint64_t{0};

uint64_t CountBits(const Tombstones::PageWords& words) {
  uint64_t bits = 0;
  for (const uint64_t word : words) bits += static_cast<uint64_t>(std::popcount(word));
  return bits;
}

}  // namespace

const std::shared_ptr<const Tombstones::Page>& Tombstones::DeadPage() {
  static const std::shared_ptr<const Page> kPage = [] {
    auto page = std::make_shared<Page>();
    page->words.fill(kAllDead);
    return page;
  }();
  return kPage;
}

const std::shared_ptr<const Tombstones::Branch>& Tombstones::DeadBranch() {
  static const std::shared_ptr<const Branch> kBranch = [] {
    auto branch = std::make_shared<Branch>();
    branch->pages.fill(DeadPage());
    return branch;
  }();
  return kBranch;
}

// Changes pages in ascending order, each branch and page copied once and only if it changes. A page
// or a branch that has become all dead is replaced by the shared one when it is left.
class Tombstones::Editor {
 public:
  explicit Editor(const Tombstones& from) : next_(from) {}

  // The words of page `number`, to be set; dead_rows() is told by whoever sets them.
  PageWords& Open(uint32_t number) {
    if (page_ != nullptr && number == page_number_) return page_->words;
    ClosePage();
    OpenBranch(number >> kBranchBits);
    const std::shared_ptr<const Page>& old = branch_->pages[number & (kBranchPages - 1)];
    page_ = old == nullptr ? std::make_shared<Page>() : std::make_shared<Page>(*old);
    page_number_ = number;
    return page_->words;
  }
  void AddDead(uint64_t rows) { next_.dead_rows_ += rows; }
  // Page `number` as a whole.
  void SetAllDead(uint32_t number) {
    ClosePage();
    OpenBranch(number >> kBranchBits);
    std::shared_ptr<const Page>& slot = branch_->pages[number & (kBranchPages - 1)];
    next_.dead_rows_ += kPageRows - (slot == nullptr ? 0 : CountBits(slot->words));
    slot = DeadPage();
  }
  Tombstones Finish() {
    ClosePage();
    CloseBranch();
    return std::move(next_);
  }

 private:
  void OpenBranch(uint32_t number) {
    if (branch_ != nullptr && number == branch_number_) return;
    CloseBranch();
    if (number >= next_.root_.size()) next_.root_.resize(number + 1);
    const std::shared_ptr<const Branch>& old = next_.root_[number];
    branch_ = old == nullptr ? std::make_shared<Branch>() : std::make_shared<Branch>(*old);
    branch_number_ = number;
  }
  void ClosePage() {
    if (page_ == nullptr) return;
    const bool all_dead = page_->words == DeadPage()->words;
    std::shared_ptr<const Page>& slot = branch_->pages[page_number_ & (kBranchPages - 1)];
    slot = all_dead ? DeadPage() : std::shared_ptr<const Page>(std::move(page_));
    page_.reset();
  }
  void CloseBranch() {
    if (branch_ == nullptr) return;
    const bool all_dead = branch_->pages == DeadBranch()->pages;
    next_.root_[branch_number_] =
        all_dead ? DeadBranch() : std::shared_ptr<const Branch>(std::move(branch_));
    branch_.reset();
  }

  Tombstones next_;
  std::shared_ptr<Branch> branch_;
  std::shared_ptr<Page> page_;
  uint32_t branch_number_ = 0;
  uint32_t page_number_ = 0;
};

Tombstones Tombstones::With(std::span<const uint32_t> rows) const {
  std::vector<uint32_t> sorted(rows.begin(), rows.end());
  std::sort(sorted.begin(), sorted.end());
  Editor editor(*this);
  for (const uint32_t row : sorted) {
    if (IsDead(row)) continue;
    uint64_t& word = editor.Open(row >> kPageBits)[(row >> 6) & (kPageWords - 1)];
    const uint64_t bit = uint64_t{1} << (row & 63);
    editor.AddDead((word & bit) == 0 ? 1 : 0);
    word |= bit;
  }
  return editor.Finish();
}

Tombstones Tombstones::WithRange(uint32_t begin, uint32_t end) const {
  Editor editor(*this);
  for (uint64_t row = begin; row < end;) {
    const uint64_t page_end = ((row >> kPageBits) + 1) << kPageBits;
    const auto number = static_cast<uint32_t>(row >> kPageBits);
    if ((row & (kPageRows - 1)) == 0 && page_end <= end) {
      editor.SetAllDead(number);
      row = page_end;
      continue;
    }
    PageWords& words = editor.Open(number);
    for (const uint64_t stop = std::min<uint64_t>(page_end, end); row < stop; ++row) {
      uint64_t& word = words[(row >> 6) & (kPageWords - 1)];
      const uint64_t bit = uint64_t{1} << (row & 63);
      editor.AddDead((word & bit) == 0 ? 1 : 0);
      word |= bit;
    }
  }
  return editor.Finish();
}

Tombstones Tombstones::WithPages(std::span<const uint32_t> numbers) const {
  Editor editor(*this);
  for (const uint32_t number : numbers) editor.SetAllDead(number);
  return editor.Finish();
}

uint64_t Tombstones::DeadBetween(uint32_t begin, uint32_t end) const {
  uint64_t dead = 0;
  for (uint64_t row = begin; row < end;) {
    const Branch* branch = FindBranch(row);
    const uint64_t branch_end = ((row >> kBranchRowBits) + 1) << kBranchRowBits;
    if (branch == nullptr || branch == DeadBranch().get()) {
      const uint64_t stop = std::min<uint64_t>(branch_end, end);
      if (branch != nullptr) dead += stop - row;
      row = stop;
      continue;
    }
    const uint64_t page_end = ((row >> kPageBits) + 1) << kPageBits;
    const uint64_t stop = std::min<uint64_t>(page_end, end);
    const Page* page = FindPage(static_cast<uint32_t>(row));
    if (page == nullptr || page == DeadPage().get()) {
      if (page != nullptr) dead += stop - row;
      row = stop;
      continue;
    }
    while (row < stop) {
      const uint64_t word_end = std::min<uint64_t>(stop, (row | 63) + 1);
      uint64_t word = page->words[(row >> 6) & (kPageWords - 1)] >> (row & 63);
      if (word_end - row < 64) word &= (uint64_t{1} << (word_end - row)) - 1;
      dead += static_cast<uint64_t>(std::popcount(word));
      row = word_end;
    }
  }
  return dead;
}

uint64_t Tombstones::SkipDeadPages(uint64_t row) const {
  while (true) {
    const Branch* branch = FindBranch(row);
    if (branch == nullptr) return row;
    if (branch == DeadBranch().get()) {
      row = ((row >> kBranchRowBits) + 1) << kBranchRowBits;
    } else if (branch->pages[(row >> kPageBits) & (kBranchPages - 1)] == DeadPage()) {
      row = ((row >> kPageBits) + 1) << kPageBits;
    } else {
      return row;
    }
  }
}

uint64_t Tombstones::memory_bytes() const {
  uint64_t bytes = sizeof(*this) + root_.capacity() * sizeof(root_[0]);
  for (const auto& branch : root_) {
    if (branch == nullptr || branch == DeadBranch()) continue;
    bytes += sizeof(Branch);
    for (const auto& page : branch->pages) {
      bytes += page == nullptr || page == DeadPage() ? 0 : sizeof(Page);
    }
  }
  return bytes;
}

const Tombstones::PageWords* Tombstones::page(uint32_t number) const {
  const Branch* branch = FindBranch(uint64_t{number} << kPageBits);
  if (branch == nullptr) return nullptr;
  const auto& page = branch->pages[number & (kBranchPages - 1)];
  return page == nullptr ? nullptr : &page->words;
}

std::vector<uint32_t> Tombstones::PagesChangedSince(const Tombstones& before) const {
  std::vector<uint32_t> changed;
  for (uint32_t number = 0; number < std::max(root_.size(), before.root_.size()); ++number) {
    const auto branch_of = [number](const Tombstones& one) {
      return number < one.root_.size() ? one.root_[number].get() : nullptr;
    };
    if (branch_of(*this) == branch_of(before)) continue;
    for (uint32_t i = 0; i < kBranchPages; ++i) {
      const uint32_t page_number = (number << kBranchBits) + i;
      if (page(page_number) != before.page(page_number)) changed.push_back(page_number);
    }
  }
  return changed;
}

Tombstones Tombstones::FromPages(std::span<const uint32_t> numbers,
                                 std::span<const PageWords> pages) {
  Editor editor{Tombstones()};
  for (size_t i = 0; i < numbers.size(); ++i) {
    const uint64_t dead = CountBits(pages[i]);
    if (dead == 0) continue;
    editor.Open(numbers[i]) = pages[i];
    editor.AddDead(dead);
  }
  return editor.Finish();
}

}  // namespace kith::index
