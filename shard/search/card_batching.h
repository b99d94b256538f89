#ifndef KITH_SHARD_SEARCH_CARD_BATCHING_H_
#define KITH_SHARD_SEARCH_CARD_BATCHING_H_

#include <algorithm>
#include <chrono>
#include <cstdint>

#include "common/base/clock.h"

namespace kith::shard {

// When the queries that wait for a card go. One that found the card idle goes at once; those that
// came while it worked may wait a little for others, because a card answers many in hardly more
// time than one. Once it is idle they never wait longer than the budget, counted from the arrival
// of the oldest. While it runs others they go, to be encoded meanwhile, where they are as many:
// fewer would only make the batch behind them smaller.
struct CardBatching {
  std::chrono::microseconds wait_most{80};
  uint32_t full = 1024;  // so many go at once
};

struct CardQueue {
  uint32_t queries = 0;
  Deadline oldest;  // its arrival
  bool found_card_idle = false;
  uint32_t running = 0;  // queries that the card runs
};

// At or before `now`: they go. Deadline::max(): not while the card runs what it does.
inline Deadline LaunchTime(const CardBatching& batching, const CardQueue& queue) {
  if (queue.running != 0) {
    const bool are_as_many = queue.queries >= std::min(queue.running, batching.full);
    return are_as_many ? queue.oldest : Deadline::max();
  }
  if (queue.found_card_idle || queue.queries >= batching.full) return queue.oldest;
  return queue.oldest + batching.wait_most;
}

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_BATCHING_H_
