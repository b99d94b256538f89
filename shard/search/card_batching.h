#ifndef KITH_SHARD_SEARCH_CARD_BATCHING_H_
#define KITH_SHARD_SEARCH_CARD_BATCHING_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/base/clock.h"

namespace kith::shard {

// When the queries that wait for a card go. One that found the card idle goes at once; those that
// came while it worked may wait a little for others, because a card answers many in hardly more
// time than one. They never wait longer than the budget, counted from the arrival of the oldest.
struct CardBatching {
  std::chrono::microseconds wait_most{80};
  uint32_t full = 1024;  // so many go at once
};

struct CardQueue {
  uint32_t queries = 0;
  Deadline oldest;  // its arrival
  bool found_card_idle = false;
};

// At or before `now`: they go.
inline Deadline LaunchTime(const CardBatching& batching, const CardQueue& queue) {
  if (queue.found_card_idle || queue.queries >= batching.full) return queue.oldest;
  return queue.oldest + batching.wait_most;
}

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_BATCHING_H_
