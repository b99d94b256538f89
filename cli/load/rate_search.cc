#include "cli/load/rate_search.h"

#include <algorithm>

namespace kith::cli {

std::optional<double> RateSearch::Next() const {
  if (best_ == 0 && too_high_ == 0) return options_.first;
  if (too_high_ == 0) {
    if (best_ >= options_.max) return std::nullopt;
    return std::min(options_.max, 2 * best_);
  }
  if (best_ == 0) {
    if (too_high_ <= options_.min) return std::nullopt;
    return std::max(options_.min, too_high_ / 2);
  }
  if (too_high_ - best_ <= options_.precision * too_high_) return std::nullopt;
  return (best_ + too_high_) / 2;
}

void RateSearch::Sustained(double rate) { best_ = std::max(best_, rate); }

void RateSearch::NotSustained(double rate) {
  too_high_ = too_high_ == 0 ? rate : std::min(too_high_, rate);
  // Confirming a rate that was sustained once may end so.
  if (best_ >= too_high_) best_ = 0;
}

}  // namespace kith::cli
