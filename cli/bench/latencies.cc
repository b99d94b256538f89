#include "cli/bench/latencies.h"

#include <algorithm>
#include <cmath>

namespace kith::cli {

void Latencies::Merge(const Latencies& other) {
  nanoseconds_.insert(nanoseconds_.end(), other.nanoseconds_.begin(), other.nanoseconds_.end());
  sorted_ = false;
}

double Latencies::PercentileMs(double share) {
  if (nanoseconds_.empty()) return 0;
  if (!sorted_) std::sort(nanoseconds_.begin(), nanoseconds_.end());
  sorted_ = true;
  const double rank = std::ceil(share * static_cast<double>(nanoseconds_.size()));
  const auto at = static_cast<size_t>(std::max(1.0, rank)) - 1;
  return static_cast<double>(nanoseconds_[std::min(at, nanoseconds_.size() - 1)]) / 1e6;
}

}  // namespace kith::cli
