#include "shard/search/card_pool.h"

#include <utility>

namespace kith::shard {

CardPool::CardPool(std::vector<std::unique_ptr<CardWorker>> workers)
    : workers_(std::move(workers)), copies_(workers_.size()) {}

CardWorker* CardPool::Take() {
  std::lock_guard lock(mutex_);
  size_t chosen = workers_.size();
  for (size_t i = 0; i < workers_.size(); ++i) {
    const bool is_fewer = chosen == workers_.size() || copies_[i] < copies_[chosen];
    if (is_fewer && !workers_[i]->health().is_lost) chosen = i;
  }
  if (chosen == workers_.size()) return nullptr;
  ++copies_[chosen];
  return workers_[chosen].get();
}

void CardPool::GiveBack(const CardWorker* worker) {
  std::lock_guard lock(mutex_);
  for (size_t i = 0; i < workers_.size(); ++i) copies_[i] -= workers_[i].get() == worker;
}

void CardPool::AwaitAnswers() {
  for (const auto& worker : workers_) worker->AwaitAnswers();
}

}  // namespace kith::shard
