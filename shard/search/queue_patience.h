#ifndef KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_
#define KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_

#include <algorithm>
#include <chrono>
#include <cmath>

#include "common/base/clock.h"

namespace kith::shard {

// How long a search may have to wait and still be taken. Where nothing waits for most of the time,
// what does is a burst, and may wait for long: the threads will come to it. The less of the time
// that is, the less there is to come to it in, and whatever waits only makes every answer later.
// Where something always waits, no more is taken than keeps the threads busy.
//
// After "Controlling Queue Delay" (Nichols, Jacobson, ACM Queue 2012) and what "Fail at Scale"
// (Maurer, ACM Queue 2015) made of it for servers. Those ask whether the queue was empty at all
// lately: but a flood that is mostly refused leaves it empty for a moment now and then, too, and
// each such moment would let in a tenth of a second of waiting.
// Threads: one at a time.
class QueuePatience {
 public:
  using Span = std::chrono::nanoseconds;
  // Of the time before, the last moments count most: so long ago counts 1/e.
  static constexpr Span kMemory = std::chrono::milliseconds(200);
  static constexpr Span kBurst = std::chrono::milliseconds(100);
  // A search may wait for so many times what it takes itself, whatever the target: else threads
  // would run out of work where each takes longer than that. In a burst, for so many times.
  static constexpr int kServices = 3;
  static constexpr int kBurstServices = 12;
  // Of the time in which nothing waits: less, and the queue stands.
  static constexpr double kStandsBelow = 0.2;

  // `target` 0: everything waits as long as it takes.
  explicit QueuePatience(Span target) : target_(target) {}

  // From this moment on nothing waits, or something does.
  void NoteEmpty(Deadline now) {
    Settle(now);
    is_empty_ = true;
  }
  void NoteWaiting(Deadline now) {
    Settle(now);
    is_empty_ = false;
  }

  bool IsStanding(Deadline now) const { return EmptyShare(now) < kStandsBelow; }

  // Of a search that takes so long once it runs.
  Span Allowed(Deadline now, Span service) const {
    if (target_ == Span::zero()) return Span::max();
    const std::chrono::duration<double, Span::period> burst =
        EmptyShare(now) * std::max(kBurst, service * kBurstServices);
    return std::max({target_, service * kServices, std::chrono::duration_cast<Span>(burst)});
  }

 private:
  double EmptyShare(Deadline now) const {
    const std::chrono::duration<double> passed = std::max(Span::zero(), Span(now - settled_));
    const double before = std::exp(-(passed / kMemory));
    return empty_share_ * before + (is_empty_ ? 1 - before : 0);
  }
  void Settle(Deadline now) {
    empty_share_ = EmptyShare(now);
    settled_ = std::max(settled_, now);
  }

  const Span target_;
  bool is_empty_ = true;
  double empty_share_ = 1;  // at settled_
  Deadline settled_{};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_QUEUE_PATIENCE_H_
