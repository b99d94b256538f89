#ifndef KITH_CLI_BENCH_LATENCIES_H_
#define KITH_CLI_BENCH_LATENCIES_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace kith::cli {

// Every latency of a run, kept whole: percentiles are of the calls themselves, not of buckets.
// Threads: one at a time.
class Latencies {
 public:
  void Reserve(size_t calls) { nanoseconds_.reserve(calls); }
  void Add(std::chrono::nanoseconds latency) {
    nanoseconds_.push_back(latency.count());
    sorted_ = false;
  }
  void Merge(const Latencies& other);
  size_t count() const { return nanoseconds_.size(); }
  // The smallest latency that at least `share` of the calls did not exceed (nearest rank), in
  // milliseconds; 0 where there are no calls.
  double PercentileMs(double share);

 private:
  std::vector<int64_t> nanoseconds_;
  bool sorted_ = false;
};

}  // namespace kith::cli

#endif  // KITH_CLI_BENCH_LATENCIES_H_
