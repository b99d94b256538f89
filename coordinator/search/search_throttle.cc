#include "coordinator/search/search_throttle.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// Let through are so many times what the shards took.
constexpr double kLetThrough = 1.5;
// Fewer refusals than this show nothing yet.
constexpr double kRefusedMin = 10;
constexpr std::chrono::duration<double> kMemory = std::chrono::milliseconds(500);

}  // namespace

void SearchThrottle::Counts::Fade(Deadline now) {
  const std::chrono::duration<double> passed = std::max(now - at, Deadline::duration::zero());
  const double left = std::exp(-(passed / kMemory));
  taken *= left;
  refused *= left;
  at = now;
}

double SearchThrottle::Counts::ShareToRefuse() const {
  if (refused < kRefusedMin) return 0;
  return std::max(0.0, (taken + refused - kLetThrough * taken) / (taken + refused + 1));
}

SearchThrottle::Counts& SearchThrottle::CountsOf(std::string_view collection,
                                                 SearchPriority priority) {
  const size_t place = std::hash<std::string_view>()(collection) % kPlaces;
  return counts_[place * kSearchPriorities + static_cast<size_t>(priority)];
}

// In [0, 1): evenly spread, by the golden ratio (Weyl's sequence).
double SearchThrottle::Draw() {
  const uint64_t draw = draws_.fetch_add(1, std::memory_order_relaxed) * 0x9e3779b97f4a7c15u;
  return static_cast<double>(draw >> 11) * 0x1p-53;
}

absl::Status SearchThrottle::Admit(std::string_view collection, SearchPriority priority) {
  Counts& counts = CountsOf(collection, priority);
  const Deadline now = clock_.Now();
  {
    std::lock_guard lock(counts.mutex);
    counts.Fade(now);
    const double share = counts.ShareToRefuse();
    if (share == 0 || Draw() >= share) {
      counts.taken += 1;
      return absl::OkStatus();
    }
    counts.refused += 1;
  }
  refused_.fetch_add(1, std::memory_order_relaxed);
  return Error(absl::StatusCode::kResourceExhausted, reason::kOverloaded,
               "more searches of this collection come than its shards can answer; retry later",
               {{kRetryAfterMsFact, "100"}});
}

void SearchThrottle::NoteRefused(std::string_view collection, SearchPriority priority) {
  Counts& counts = CountsOf(collection, priority);
  const Deadline now = clock_.Now();
  std::lock_guard lock(counts.mutex);
  counts.Fade(now);
  counts.taken = std::max(0.0, counts.taken - 1);
  counts.refused += 1;
}

bool IsOverload(const absl::Status& status) {
  if (status.code() != absl::StatusCode::kResourceExhausted) return false;
  const std::string reason = ReasonOf(status);
  return reason == reason::kOverloaded || reason == reason::kQueueFull;
}

}  // namespace kith::coordinator
