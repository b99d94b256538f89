#include "coordinator/search/deadline_timer.h"

#include <pthread.h>

namespace kith::coordinator {

DeadlineTimer::DeadlineTimer(size_t pending_max)
    : pending_max_(pending_max), thread_([this] { Run(); }) {}

DeadlineTimer::~DeadlineTimer() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  thread_.join();
}

std::optional<DeadlineTimer::Ticket> DeadlineTimer::Add(Deadline when, Task task) {
  Ticket ticket;
  bool earlier = false;
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= pending_max_) return std::nullopt;
    ticket = {when, next_++};
    tasks_.emplace(ticket, std::move(task));
    earlier = when < wakes_at_;
    if (earlier) wakes_at_ = when;
  }
  if (earlier) wake_.notify_one();
  return ticket;
}

void DeadlineTimer::Cancel(const Ticket& ticket) {
  std::map<Ticket, Task>::node_type cancelled;  // what the task holds is let go outside the lock
  std::lock_guard lock(mutex_);
  cancelled = tasks_.extract(ticket);
}

size_t DeadlineTimer::pending() const {
  std::lock_guard lock(mutex_);
  return tasks_.size();
}

void DeadlineTimer::Run() {
  pthread_setname_np(pthread_self(), "deadlines");
  std::unique_lock lock(mutex_);
  while (!stopping_ || !tasks_.empty()) {
    if (!tasks_.empty() &&
        (stopping_ || tasks_.begin()->first.first <= std::chrono::steady_clock::now())) {
      auto due = tasks_.extract(tasks_.begin());
      lock.unlock();
      due.mapped()();
      due = {};
      lock.lock();
      continue;
    }
    wakes_at_ = tasks_.empty() ? Deadline::max() : tasks_.begin()->first.first;
    if (tasks_.empty()) {
      wake_.wait(lock);
    } else {
      wake_.wait_until(lock, wakes_at_);
    }
  }
}

}  // namespace kith::coordinator
