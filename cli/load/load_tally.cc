#include "cli/load/load_tally.h"

#include <algorithm>

#include "common/base/status.h"

namespace kith::cli {

IntervalTally& LoadTally::IntervalOf(std::chrono::nanoseconds due) {
  const auto at = static_cast<size_t>(due / interval_);
  return intervals_[std::min(at, intervals_.size() - 1)];
}

void LoadTally::Add(const CallOutcome& outcome, std::chrono::nanoseconds due,
                    std::chrono::nanoseconds latency) {
  IntervalTally& interval = IntervalOf(due);
  if (!outcome.status.ok()) {
    ++failed_;
    ++interval.errors;
    ++errors_[{absl::StatusCodeToString(outcome.status.code()), ReasonOf(outcome.status)}];
    return;
  }
  const auto nanoseconds = static_cast<uint64_t>(std::max<int64_t>(0, latency.count()));
  latency_.Add(nanoseconds);
  interval.latency.Add(nanoseconds);
  items_ += outcome.items;
  refused_ += outcome.refused;
  true_wanted_ += outcome.true_wanted;
  true_found_ += outcome.true_found;
  if (!outcome.is_search) return;
  ++coverage_.answers;
  coverage_.below_one += outcome.coverage < 1 ? 1 : 0;
  coverage_.sum += outcome.coverage;
  coverage_.min = std::min(coverage_.min, outcome.coverage);
}

void LoadTally::AddUnsent(std::chrono::nanoseconds due) {
  ++unsent_;
  ++IntervalOf(due).errors;
}

void LoadTally::Merge(const LoadTally& other) {
  latency_.Merge(other.latency_);
  failed_ += other.failed_;
  unsent_ += other.unsent_;
  items_ += other.items_;
  refused_ += other.refused_;
  true_wanted_ += other.true_wanted_;
  true_found_ += other.true_found_;
  coverage_.answers += other.coverage_.answers;
  coverage_.below_one += other.coverage_.below_one;
  coverage_.sum += other.coverage_.sum;
  coverage_.min = std::min(coverage_.min, other.coverage_.min);
  for (const auto& [key, count] : other.errors_) errors_[key] += count;
  for (size_t i = 0; i < intervals_.size(); ++i) {
    intervals_[i].latency.Merge(other.intervals_[i].latency);
    intervals_[i].errors += other.intervals_[i].errors;
  }
}

}  // namespace kith::cli
