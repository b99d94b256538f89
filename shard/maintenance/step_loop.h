#ifndef KITH_SHARD_MAINTENANCE_STEP_LOOP_H_
#define KITH_SHARD_MAINTENANCE_STEP_LOOP_H_

#include <condition_variable>
#include <functional>
#include <mutex>

#include "common/base/executor.h"

namespace kith::shard {

// One kind of a copy's upkeep: bounded steps, one at a time, on a pool that copies of a node share.
// After each step it goes to the end of the pool's queue, so that copies take turns.
//
// Threads: any. Close before what the steps use is gone.
class StepLoop {
 public:
  // `step` answers whether there is more to do at once.
  StepLoop(Executor& pool, std::function<bool()> step) : pool_(pool), step_(std::move(step)) {}
  ~StepLoop() { Close(); }
  StepLoop(const StepLoop&) = delete;
  StepLoop& operator=(const StepLoop&) = delete;

  // A step soon, where none waits or runs already. Where the pool is full: nothing, ask again.
  void Post();
  // No more steps; the one under way ends first.
  void Close();

 private:
  void Run();
  void PostLocked();

  Executor& pool_;
  const std::function<bool()> step_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_posted_ = false;  // guarded by mutex_, as is_closed_: a step waits or runs
  bool is_closed_ = false;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_STEP_LOOP_H_
