#include "shard/search/card_pool.h"

#include <utility>

namespace kith::shard {

CardPool::CardPool(std::vector<std::unique_ptr<CardWorker>> workers)
    : workers_(std::move(workers)), copies_(workers_.size()) {}

CardWorker* CardPool::Take() {
  std::lock_guard lock(mutex_);
  const auto burden = [this](size_t i) {
    return std::pair(workers_[i]->health().is_lost, copies_[i]);
  };
  size_t chosen = 0;
  for (size_t i = 1; i < workers_.size(); ++i) {
    if (burden(i) < burden(chosen)) chosen = i;
  }
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
