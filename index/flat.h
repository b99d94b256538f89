#ifndef KITH_INDEX_FLAT_H_
#define KITH_INDEX_FLAT_H_

#include <cstdint>
#include <span>

#include "index/exact_query.h"
#include "index/expiry.h"
#include "index/search.h"
#include "index/top_k.h"

namespace kith::index {

// Compares rows that may be hits (live, and allowed by the view's filter) one by one with their
// stored vectors and offers them to the top k. Between runs of kRun rows it asks whether time is
// up; what was not reached is left out.
//
// Threads: one at a time.
class FlatScan {
 public:
  static constexpr uint32_t kRun = 1024;

  FlatScan(const IndexView& view, const ExactQuery& query, Expiry& expiry, TopK& top)
      : view_(view), query_(query), expiry_(expiry), top_(top) {}

  // Live rows of [begin, end). Does nothing where time is up at the start.
  void CompareRange(uint32_t begin, uint32_t end);
  // Live ones among `rows`, likewise.
  void CompareRows(std::span<const uint32_t> rows);
  // Rows known to be live; the first run is compared whatever the time. For the last step of a
  // search that ran out of time with candidates in hand.
  void CompareCandidates(std::span<const uint32_t> rows);

  uint64_t compared() const { return compared_; }
  uint64_t within() const { return within_; }  // of those, the rows of rank <= the top k's bound

  static uint64_t LiveRows(const IndexView& view, uint32_t begin, uint32_t end);
  static uint64_t LiveRows(const IndexView& view, std::span<const uint32_t> rows);

 private:
  void CompareAllowed(uint32_t begin, uint32_t end);
  void CompareBatch(std::span<const uint32_t> rows);

  const IndexView& view_;
  const ExactQuery& query_;
  Expiry& expiry_;
  TopK& top_;
  uint64_t compared_ = 0;
  uint64_t within_ = 0;
};

}  // namespace kith::index

#endif  // KITH_INDEX_FLAT_H_
