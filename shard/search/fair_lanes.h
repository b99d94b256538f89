#ifndef KITH_SHARD_SEARCH_FAIR_LANES_H_
#define KITH_SHARD_SEARCH_FAIR_LANES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "common/base/clock.h"
#include "common/shard_api/search_priority.h"

namespace kith::shard {

// What a query takes is learnt apart for each of these.
enum class WorkKind : uint8_t { kLists = 0, kExact = 1, kRead = 2 };
inline constexpr size_t kWorkKinds = 3;

// How a job's turn comes: in time, or after its deadline, when it only says so.
enum class Turn : uint8_t { kRun, kExpired };

struct SearchFlow;

// A call, or a part of one, to the queue.
struct QueuedWork {
  std::shared_ptr<SearchFlow> flow;  // of its collection
  SearchPriority priority = SearchPriority::kInteractive;
  WorkKind kind = WorkKind::kLists;
  uint32_t queries = 1;
  Deadline deadline;

  uint64_t ExpectedNs() const;  // of one thread
};

struct QueuedJob {
  QueuedWork work;
  absl::AnyInvocable<void(Turn)> run;
  uint64_t charged_ns = 0;  // to its flow, when it was taken
};

// What one collection has in one lane.
struct FlowLane {
  std::deque<QueuedJob> jobs;
  std::array<uint64_t, kWorkKinds> queries{};  // that wait
  uint64_t served_ns = 0;                      // virtual
};

// One collection of a node. Guarded by what guards the lanes.
struct SearchFlow {
  std::array<uint64_t, kWorkKinds> query_ns{};  // average of the last ones; 0: none has run
  std::array<FlowLane, kQueuedPriorities> lanes;

  FlowLane& lane(SearchPriority priority) { return lanes[static_cast<size_t>(priority)]; }
  // Expected of all that waits there, of one thread.
  uint64_t WaitingNs(SearchPriority priority) const;
};

// Which job runs next: those of interactive priority before batch ones, and in either lane that of
// the collection that has had the least time. A batch job runs before others once seven of them,
// and seven times its own time, have passed it over: they never keep it out for ever.
//
// A collection that comes back has no credit from when it was away: its time counts from where the
// others are (start-time fair queueing: Goyal, Vin and Cheng, SIGCOMM 1996).
// Threads: one at a time.
class FairLanes {
 public:
  void Push(QueuedJob job);
  // Nothing where no job waits.
  std::optional<QueuedJob> Pop();
  // A job that was popped took so long: its flow is charged that, not what was expected.
  void Settle(const QueuedJob& job, uint64_t took_ns);

  size_t jobs(SearchPriority priority) const { return lane(priority).jobs; }
  size_t flows(SearchPriority priority) const { return lane(priority).active.size(); }
  uint64_t WaitingNs(SearchPriority priority) const;

 private:
  struct Lane {
    std::vector<std::shared_ptr<SearchFlow>> active;  // with a job here
    size_t jobs = 0;
    uint64_t now_ns = 0;  // virtual: where the flow that was served last stood
  };
  Lane& lane(SearchPriority priority) { return lanes_[static_cast<size_t>(priority)]; }
  const Lane& lane(SearchPriority priority) const { return lanes_[static_cast<size_t>(priority)]; }
  bool IsTurnOfBatch() const;
  QueuedJob Take(SearchPriority priority);

  std::array<Lane, kQueuedPriorities> lanes_;
  // What has passed over the batch jobs since the last one, or since they came.
  uint64_t passed_over_ns_ = 0;
  uint64_t passed_over_jobs_ = 0;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FAIR_LANES_H_
