#ifndef KITH_INDEX_TOP_K_H_
#define KITH_INDEX_TOP_K_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/vector/row_table.h"
#include "index/search.h"

namespace kith::index {

// The best `limit` rows offered, in order of (rank, key). A buffer of twice the limit is cut when
// it fills, so that an offer is a compare and a store.
//
// Threads: one at a time.
class TopK {
 public:
  // `rows` gives the keys of tied rows. Rows of rank > rank_bound are refused.
  void Reset(const RowTable& rows, uint32_t limit, float rank_bound);
  // After Reset: rows up to `place` and at it are refused.
  void BeginAfter(const RankPlace& place) { after_ = place; }
  float rank_bound() const { return rank_bound_; }

  void Offer(float rank, uint32_t row) {
    // Equal to the bound is let in: its key may be the smaller one.
    if (!(rank <= bound_)) return;
    if (rank <= after_.rank && !IsBehind(rank, row)) return;
    hits_.push_back({rank, row});
    if (hits_.size() >= cut_at_) Cut();
  }
  void Take(std::vector<Hit>& hits);
  // After Take: drops the buffer where it has room for more than `entries`.
  void GiveBack(size_t entries) {
    if (hits_.capacity() > entries) std::vector<Hit>().swap(hits_);
  }
  uint64_t scratch_bytes() const { return hits_.capacity() * sizeof(Hit); }

 private:
  bool Before(const Hit& a, const Hit& b) const {
    if (a.rank != b.rank) return a.rank < b.rank;
    return rows_.Key(a.row) < rows_.Key(b.row);
  }
  bool IsBehind(float rank, uint32_t row) const {
    return rank == after_.rank && rows_.Key(row) > after_.key;
  }
  void Cut();

  RowTable rows_;
  uint64_t limit_ = 0;
  uint64_t cut_at_ = 0;
  float rank_bound_ = 0;
  float bound_ = 0;  // that, or the rank of the last hit kept
  RankPlace after_ = {};
  std::vector<Hit> hits_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_TOP_K_H_
