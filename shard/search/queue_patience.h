#ifndef KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_
#define KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"

namespace kith::shard {

// How long a search may have to wait and still be taken. A queue that empties now and then only
// evens out a burst, and may grow long while it does. One that has not been empty for a while
// stands: more comes than is worked off, and whatever waits only makes every answer later. Then no
// more is taken than keeps the threads busy. After "Controlling Queue Delay" (Nichols, Jacobson,
// ACM Queue 2012) and what "Fail at Scale" (Maurer, ACM Queue 2015) made of it for servers.
// Threads: one at a time.
class QueuePatience {
 public:
  using Span = std::chrono::nanoseconds;
  static constexpr Span kStandsAfter = std::chrono::milliseconds(200);
  static constexpr Span kBurst = std::chrono::milliseconds(100);
  // A search may wait for so many times what it takes itself, whatever the target: else threads
  // would run out of work where each takes longer than that. In a burst, for so many times.
  static constexpr int kServices = 3;
  static constexpr int kBurstServices = 12;

  // `target` 0: everything waits as long as it takes.
  explicit QueuePatience(Span target) : target_(target) {}

  // Nothing waits at this moment.
  void NoteEmpty(Deadline now) { last_empty_ = now; }
  bool IsStanding(Deadline now) const { return now - last_empty_ > kStandsAfter; }

  // Of a search that takes so long once it runs.
  Span Allowed(Deadline now, Span service) const {
    if (target_ == Span::zero()) return Span::max();
    const Span least = IsStanding(now) ? target_ : std::max(target_, kBurst);
    return std::max(least, service * (IsStanding(now) ? kServices : kBurstServices));
  }

 private:
  const Span target_;
  Deadline last_empty_{};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_
