#include "coordinator/search/recall_window.h"

#include <algorithm>
#include <cmath>

namespace kith::coordinator {
namespace {

constexpr double kZ = 1.959963984540054;  // 97.5 % of the normal distribution

// How many trials of a kind one independent trial is worth.
double DesignEffect(const std::vector<RecallSample>& samples, double ratio, double trials) {
  const auto queries = static_cast<double>(samples.size());
  if (samples.size() < 2) return trials / queries;
  const double independent = ratio * (1 - ratio) / trials;
  if (independent <= 0) return 1;  // all found, or none: the queries do not scatter
  double squares = 0;
  for (const RecallSample& sample : samples) {
    const double off = sample.found - ratio * sample.wanted;
    squares += off * off;
  }
  const double scattered = squares / (trials * trials) * queries / (queries - 1);
  return std::max(1.0, scattered / independent);
}

}  // namespace

RecallEstimate EstimateRecall(const std::vector<RecallSample>& samples) {
  RecallEstimate estimate;
  estimate.samples = samples.size();
  if (samples.empty()) return estimate;
  double found = 0;
  double wanted = 0;
  for (const RecallSample& sample : samples) {
    found += sample.found;
    wanted += sample.wanted;
  }
  const double p = found / wanted;
  const double n = wanted / DesignEffect(samples, p, wanted);
  const double scale = 1 + kZ * kZ / n;
  const double centre = (p + kZ * kZ / (2 * n)) / scale;
  const double half = kZ / scale * std::sqrt(p * (1 - p) / n + kZ * kZ / (4 * n * n));
  estimate.ratio = p;
  estimate.low = std::max(0.0, centre - half);
  estimate.high = std::min(1.0, centre + half);
  return estimate;
}

void RecallWindow::Add(RecallSample sample) {
  if (samples_.size() < size_) {
    samples_.push_back(sample);
    return;
  }
  samples_[next_] = sample;
  next_ = (next_ + 1) % size_;
}

}  // namespace kith::coordinator
