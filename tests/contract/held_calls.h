#ifndef KITH_TESTS_CONTRACT_HELD_CALLS_H_
#define KITH_TESTS_CONTRACT_HELD_CALLS_H_

#include <condition_variable>
#include <mutex>
#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "tests/support/fake_shard_service.h"

namespace kith::testing {

// A node that keeps its calls until it is told to answer them.
class HeldCalls final : public FakeShardService {
 public:
  ~HeldCalls() override { Release(); }

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done) override {
    Hold([this, call = std::move(call), deadline, done = std::move(done)]() mutable {
      FakeShardService::Search(std::move(call), deadline, std::move(done));
    });
  }
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done) override {
    Hold([this, call = std::move(call), deadline, done = std::move(done)]() mutable {
      FakeShardService::Write(std::move(call), deadline, std::move(done));
    });
  }

  void WaitForCalls(size_t count) {
    std::unique_lock lock(mutex_);
    arrived_.wait(lock, [&] { return held_.size() >= count; });
  }
  size_t held() {
    std::lock_guard lock(mutex_);
    return held_.size();
  }
  // Answers what is held and, from now on, whatever comes.
  void Release() {
    std::vector<Task> held;
    {
      std::lock_guard lock(mutex_);
      released_ = true;
      held.swap(held_);
    }
    for (Task& task : held) task();
  }

 private:
  void Hold(Task task) {
    {
      std::lock_guard lock(mutex_);
      if (!released_) {
        held_.push_back(std::move(task));
        arrived_.notify_all();
        return;
      }
    }
    task();
  }

  std::mutex mutex_;
  std::condition_variable arrived_;
  std::vector<Task> held_;
  bool released_ = false;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_CONTRACT_HELD_CALLS_H_
