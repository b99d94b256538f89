#ifndef KITH_CLI_LOAD_HISTOGRAM_H_
#define KITH_CLI_LOAD_HISTOGRAM_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kith::cli {

// Counts of values in log-linear buckets (the layout of Gil Tene's HdrHistogram): each power of two
// is cut into 2^precision_bits buckets, so a percentile is off by at most 2^-precision_bits of its
// value, whatever that is, in bounded memory. The extremes are kept exactly.
// Threads: one at a time.
class Histogram {
 public:
  static constexpr int kFineBits = 9;                       // 0.2 %: a run
  static constexpr int kCoarseBits = 5;                     // 3 %: one of hundreds of intervals
  static constexpr uint64_t kValueMax = uint64_t{1} << 44;  // nanoseconds: almost five hours

  explicit Histogram(int precision_bits = kFineBits) : precision_bits_(precision_bits) {}

  // Larger values than kValueMax count as that.
  void Add(uint64_t value);
  // `other` must be of the same precision.
  void Merge(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  double mean() const;
  // The value that at least `share` of the values do not exceed (nearest rank), rounded up to its
  // bucket's end and never above max(); 0 where there are none.
  uint64_t Percentile(double share) const;

 private:
  size_t BucketOf(uint64_t value) const;
  uint64_t LargestOf(size_t bucket) const;

  int precision_bits_;
  std::vector<uint64_t> buckets_;  // as many as the largest value needed
  uint64_t count_ = 0;
  uint64_t max_ = 0;
  double sum_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_HISTOGRAM_H_
