#ifndef KITH_COORDINATOR_SEARCH_RECALL_WINDOW_H_
#define KITH_COORDINATOR_SEARCH_RECALL_WINDOW_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kith::coordinator {

// What one sampled query found of its true neighbours.
struct RecallSample {
  uint32_t found = 0;
  uint32_t wanted = 0;  // at least 1
};

// Recall over several queries with its 95 % confidence interval.
struct RecallEstimate {
  double ratio = 0;  // neighbours found / neighbours wanted
  double low = 0;
  double high = 1;
  size_t samples = 0;
};

// Wilson's interval (E. B. Wilson, JASA 22, 1927) for neighbours found among neighbours wanted.
// Neighbours of one query are found or missed together more than by chance: where the queries'
// recalls scatter more than independent neighbours would, the trials count for less in proportion
// (the design effect of cluster sampling; L. Kish, Survey Sampling, 1965), and a single query is
// one trial. Pure.
RecallEstimate EstimateRecall(const std::vector<RecallSample>& samples);

// The last samples, at most `size` of them. Threads: one at a time.
class RecallWindow {
 public:
  explicit RecallWindow(size_t size) : size_(size) {}
  void Add(RecallSample sample);
  RecallEstimate Estimate() const { return EstimateRecall(samples_); }

 private:
  const size_t size_;
  size_t next_ = 0;  // the oldest, once the window is full
  std::vector<RecallSample> samples_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_RECALL_WINDOW_H_
