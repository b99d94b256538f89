#ifndef KITH_COORDINATOR_SEARCH_DEADLINE_TIMER_H_
#define KITH_COORDINATOR_SEARCH_DEADLINE_TIMER_H_

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/base/clock.h"
#include "common/base/executor.h"

namespace kith::coordinator {

// More calls than this in flight and new ones are refused.
inline constexpr size_t kDeadlinesPendingMax = 65'536;

// One thread that ends the calls whose shards do not answer in time. Nearly every entry is
// cancelled before it is due, so that is the cheap path: the thread is woken only where an entry is
// due before it would wake anyway.
//
// Destroying it runs what is pending at once: every call still gets its answer.
// Threads: any.
class DeadlineTimer {
 public:
  using Ticket = std::pair<Deadline, uint64_t>;

  explicit DeadlineTimer(size_t pending_max = kDeadlinesPendingMax);
  ~DeadlineTimer();
  DeadlineTimer(const DeadlineTimer&) = delete;
  DeadlineTimer& operator=(const DeadlineTimer&) = delete;

  // Runs `task`, which must be short, on the timer's thread at `when`. Nothing where pending_max
  // entries wait already or the timer is being destroyed.
  std::optional<Ticket> Add(Deadline when, Task task);
  // Too late is harmless: then the task has run, or is running now.
  void Cancel(const Ticket& ticket);
  size_t pending() const;

 private:
  void Run();

  const size_t pending_max_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::map<Ticket, Task> tasks_;
  Deadline wakes_at_ = Deadline::max();  // when the thread looks next by itself
  uint64_t next_ = 1;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_DEADLINE_TIMER_H_
