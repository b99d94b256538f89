#include "shard/maintenance/step_loop.h"

namespace kith::shard {

void StepLoop::Post() {
  std::lock_guard lock(mutex_);
  if (!is_posted_) PostLocked();
}

void StepLoop::PostLocked() {
  is_posted_ = !is_closed_ && pool_.Post([this] { Run(); });
}

void StepLoop::Run() {
  bool more = false;
  {
    std::lock_guard lock(mutex_);
    more = !is_closed_;
  }
  if (more) more = step_();
  // Whoever closes the loop may destroy it as soon as the lock is free.
  std::lock_guard lock(mutex_);
  is_posted_ = false;
  if (more) PostLocked();
  if (!is_posted_) ended_.notify_all();
}

void StepLoop::Close() {
  std::unique_lock lock(mutex_);
  is_closed_ = true;
  ended_.wait(lock, [this] { return !is_posted_; });
}

}  // namespace kith::shard
