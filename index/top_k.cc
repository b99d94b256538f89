#include "index/top_k.h"

#include <algorithm>
#include <limits>

namespace kith::index {

void TopK::Reset(const RowTable& rows, uint32_t limit, float rank_bound) {
  rows_ = rows;
  limit_ = limit;
  cut_at_ = uint64_t{limit} * 2 + 64;
  rank_bound_ = bound_ = rank_bound;
  after_ = {-std::numeric_limits<float>::infinity(), {}};  // every key is behind that one
  hits_.clear();
}

void TopK::Cut() {
  if (hits_.size() <= limit_) return;
  const auto last = hits_.begin() + static_cast<ptrdiff_t>(limit_ - 1);
  std::nth_element(hits_.begin(), last, hits_.end(),
                   [this](const Hit& a, const Hit& b) { return Before(a, b); });
  bound_ = last->rank;
  hits_.resize(limit_);
}

void TopK::Take(std::vector<Hit>& hits) {
  Cut();
  std::sort(hits_.begin(), hits_.end(),
            [this](const Hit& a, const Hit& b) { return Before(a, b); });
  hits.assign(hits_.begin(), hits_.end());
}

}  // namespace kith::index
