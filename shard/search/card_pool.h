#ifndef KITH_SHARD_SEARCH_CARD_POOL_H_
#define KITH_SHARD_SEARCH_CARD_POOL_H_

#include <memory>
#include <mutex>
#include <vector>

#include "shard/search/card_worker.h"

namespace kith::shard {

// The cards of a node. A copy keeps the one that it took: an index is on one card.
//
// Threads: any.
class CardPool {
 public:
  explicit CardPool(std::vector<std::unique_ptr<CardWorker>> workers);

  // For one more copy: that of the fewest, of alike ones the first. One that failed only where all
  // have: it refuses searches where a card is required. There is a worker at least.
  CardWorker* Take();
  void GiveBack(const CardWorker* worker);
  // Returns when all jobs that came before are answered.
  void AwaitAnswers();
  const std::vector<std::unique_ptr<CardWorker>>& workers() const { return workers_; }

 private:
  const std::vector<std::unique_ptr<CardWorker>> workers_;
  std::mutex mutex_;
  std::vector<size_t> copies_;  // of each worker; guarded by mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_CARD_POOL_H_
