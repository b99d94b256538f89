#include "coordinator/http/connection_threads.h"

#include <utility>

namespace kith::http {

void ConnectionThreads::enqueue(std::function<void()> task) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= options_.waiting_max) {
    lock.unlock();
    task();
    return;
  }
  waiting_.push_back(std::move(task));
  ++connections_;
  if (idle_ < waiting_.size() && threads_.size() < options_.threads_max) {
    threads_.emplace_back([this] { Work(); });
  }
  has_work_.notify_one();
}

void ConnectionThreads::Work() {
  std::unique_lock lock(mutex_);
  while (true) {
    ++idle_;
    has_work_.wait(lock, [this] { return !waiting_.empty() || has_ended_; });
    --idle_;
    if (waiting_.empty()) return;
    const std::function<void()> task = std::move(waiting_.front());
    waiting_.pop_front();
    lock.unlock();
    task();
    --connections_;
    lock.lock();
  }
}

void ConnectionThreads::shutdown() {
  {
    const std::lock_guard lock(mutex_);
    has_ended_ = true;
  }
  has_work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

}  // namespace kith::http
