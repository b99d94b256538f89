#include "cli/load/histogram.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace kith::cli {

// Below 2^(bits + 1) each value has a bucket of its own; above, the leading bits + 1 bits of the
// value name its bucket within its power of two.
size_t Histogram::BucketOf(uint64_t value) const {
  const int shift = std::max(0, static_cast<int>(std::bit_width(value)) - (precision_bits_ + 1));
  return (static_cast<size_t>(shift) << precision_bits_) + static_cast<size_t>(value >> shift);
}

uint64_t Histogram::LargestOf(size_t bucket) const {
  const auto group = bucket >> precision_bits_;
  const size_t shift = group == 0 ? 0 : group - 1;
  const uint64_t leading = bucket - (shift << precision_bits_);
  return ((leading + 1) << shift) - 1;
}

void Histogram::Add(uint64_t value) {
  value = std::min(value, kValueMax);
  const size_t bucket = BucketOf(value);
  if (bucket >= buckets_.size()) buckets_.resize(bucket + 1);
  ++buckets_[bucket];
  ++count_;
  max_ = std::max(max_, value);
  sum_ += static_cast<double>(value);
}

void Histogram::Merge(const Histogram& other) {
  if (other.buckets_.size() > buckets_.size()) buckets_.resize(other.buckets_.size());
  for (size_t i = 0; i < other.buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
  sum_ += other.sum_;
}

double Histogram::mean() const { return count_ == 0 ? 0 : sum_ / static_cast<double>(count_); }

uint64_t Histogram::Percentile(double share) const {
  if (count_ == 0) return 0;
  const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
  uint64_t below = 0;
  for (size_t i = 0; i < buckets_.size(); ++i) {
    below += buckets_[i];
    if (below >= std::clamp<uint64_t>(rank, 1, count_)) return std::min(LargestOf(i), max_);
  }
  return max_;
}

}  // namespace kith::cli
