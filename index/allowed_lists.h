#ifndef KITH_INDEX_ALLOWED_LISTS_H_
#define KITH_INDEX_ALLOWED_LISTS_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "index/list_segment.h"

namespace kith::index {

// The rows that a filter lets through, in the order of lists: what a scan needs to pass over blocks
// of which none passes, and whole lists. A list's words are made from those by row when the list is
// first probed, once for all searches that come with the filter.
//
// Threads: any.
class AllowedLists {
 public:
  using Segments = std::span<const std::shared_ptr<const ListSegment>>;

  // `rows` has one bit a row, as IndexView::allowed, and outlives this; the segments are kept.
  AllowedLists(std::span<const uint64_t> rows, Segments segments, uint32_t lists);
  ~AllowedLists();
  AllowedLists(const AllowedLists&) = delete;
  AllowedLists& operator=(const AllowedLists&) = delete;

  struct List {
    const uint64_t* words = nullptr;  // bit i: vector i of the list may be a hit
    uint32_t passing = 0;             // bits that are set
  };
  // Of list `list` of segment `segment` of those given.
  List Of(size_t segment, uint32_t list) const;

  // Lists of which searches have found that no row passes: the next ones need not put them in an
  // order to find out. How many are known changes no answer.
  bool IsKnownEmpty(uint32_t list) const {
    return (empty_[list / 64].load(std::memory_order_relaxed) >> (list % 64) & 1) != 0;
  }
  void NoteEmpty(uint32_t list) const;
  uint32_t known_empty() const { return known_empty_.load(std::memory_order_relaxed); }

  // Of some lists that lie at even distances among all: the share that has rows, of which none
  // passes. The same whatever was searched before.
  double empty_share() const { return empty_share_; }

  bool IsOf(Segments segments) const;
  // No other of this process has it.
  uint64_t id() const { return id_; }
  std::span<const uint64_t> rows() const { return rows_; }
  uint64_t memory_bytes() const { return bytes_.load(std::memory_order_relaxed); }

 private:
  // How many pass, then the words.
  using Entry = std::atomic<const uint64_t*>;

  const uint64_t* Make(const ListSegment::List& list) const;
  double SampleEmpty() const;

  const uint64_t id_;
  const std::span<const uint64_t> rows_;
  const std::vector<std::shared_ptr<const ListSegment>> segments_;
  const uint32_t lists_;
  const std::unique_ptr<Entry[]> entries_;  // segment after segment; null: not made yet
  mutable std::atomic<uint64_t> bytes_;
  const std::unique_ptr<std::atomic<uint64_t>[]> empty_;  // one bit a list
  mutable std::atomic<uint32_t> known_empty_{0};
  const double empty_share_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_ALLOWED_LISTS_H_
