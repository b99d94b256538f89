#ifndef KITH_COORDINATOR_SEARCH_CALL_DEADLINES_H_
#define KITH_COORDINATOR_SEARCH_CALL_DEADLINES_H_

#include <algorithm>
#include <chrono>

#include "common/base/clock.h"

namespace kith::coordinator {

// How the time of one call is divided: shards stop first, then the coordinator stops waiting for
// their replies, and what is left is for merging and for the way back to the caller.
struct CallDeadlines {
  Deadline shards;
  Deadline gather;
};

// The coordinator keeps 5 ms + 2 % of what is left, at most half of it.
inline CallDeadlines SplitDeadline(Deadline now, Deadline deadline) {
  const auto left = std::max(deadline - now, Deadline::duration::zero());
  const auto kept =
      std::min(left / 2, left / 50 + Deadline::duration(std::chrono::milliseconds(5)));
  return {deadline - kept, deadline - kept / 2};
}

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_CALL_DEADLINES_H_
