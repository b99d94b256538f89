#ifndef KITH_COMMON_BASE_EXECUTOR_H_
#define KITH_COMMON_BASE_EXECUTOR_H_

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/core_spread.h"

namespace kith {

using Task = absl::AnyInvocable<void()>;

struct ExecutorOptions {
  std::string name;  // of the threads, 15 characters at most
  size_t threads = 1;
  size_t queue_max = 1024;
  int nice = 0;                 // lower priority for maintenance
  CoreSpread* cores = nullptr;  // that threads which work at the same time keep apart on; outlives
};

// A fixed pool of threads with a bounded queue. The destructor runs what is queued, then joins.
// Threads: Post from any.
class Executor {
 public:
  explicit Executor(ExecutorOptions options);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

  // False where the queue is full or the executor is stopping: the caller answers
  // RESOURCE_EXHAUSTED or UNAVAILABLE.
  [[nodiscard]] bool Post(Task task);
  // For work that was already admitted and must not be dropped; ignores the limit.
  void PostAlways(Task task);
  void Stop();
  size_t threads() const { return options_.threads; }
  size_t queued() const;

 private:
  void Run();

  const ExecutorOptions options_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Task> tasks_;
  bool stopping_ = false;
  std::vector<std::thread> pool_;
};

}  // namespace kith

#endif  // KITH_COMMON_BASE_EXECUTOR_H_
