#include "common/base/executor.h"

#include <pthread.h>

#include <optional>
#include <utility>

#include "common/base/scheduling.h"

namespace kith {

Executor::Executor(ExecutorOptions options) : options_(std::move(options)) {
  for (size_t i = 0; i < options_.threads; ++i) pool_.emplace_back([this] { Run(); });
}

Executor::~Executor() { Stop(); }

bool Executor::Post(Task task) {
  {
    std::lock_guard lock(mutex_);
    if (stopping_ || tasks_.size() >= options_.queue_max) return false;
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
  return true;
}

void Executor::PostAlways(Task task) {
  {
    std::lock_guard lock(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake_.notify_one();
}

void Executor::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : pool_) {
    if (thread.joinable()) thread.join();
  }
}

size_t Executor::queued() const {
  std::lock_guard lock(mutex_);
  return tasks_.size();
}

void Executor::Run() {
  pthread_setname_np(pthread_self(), options_.name.substr(0, 15).c_str());
  if (options_.nice != 0) YieldToOthers(options_.nice);
  while (true) {
    Task task;
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
      if (tasks_.empty()) return;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    std::optional<CoreSpread::Seat> seat;
    if (options_.cores != nullptr) seat.emplace(*options_.cores);
    std::move(task)();
  }
}

}  // namespace kith
