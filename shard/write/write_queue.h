#ifndef KITH_SHARD_WRITE_WRITE_QUEUE_H_
#define KITH_SHARD_WRITE_WRITE_QUEUE_H_

#include <chrono>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"

namespace kith::shard {

struct PendingWrite {
  WriteCall call;
  Deadline deadline;
  Done<WriteReply> done;
  uint64_t bytes = 0;
  uint64_t fields_revision = 0;  // of the fields that its payloads were checked against, or older
};

// What waits for writers, and what they did not take; counts since the start.
struct WriteQueueFigures {
  uint64_t waiting = 0;
  uint64_t refused_full = 0;
  uint64_t refused_deadline = 0;
  uint64_t expired = 0;

  void Add(const WriteQueueFigures& other) {
    waiting += other.waiting;
    refused_full += other.refused_full;
    refused_deadline += other.refused_deadline;
    expired += other.expired;
  }
};

// What waits for one writer. Interactive calls go first, but imports that wait have an eighth of
// each group: they are later, and never kept out. Threads: one at a time.
class WriteQueue {
 public:
  // A group is bounded so that the first caller does not wait for the last one's bytes.
  static constexpr size_t kGroupCallsMax = 64;
  static constexpr uint64_t kGroupBytesMax = 16 << 20;

  // RESOURCE_EXHAUSTED, with a time to come back: QUEUE_FULL, or OVERLOADED where the groups that
  // go first would take until after the deadline, by what the last ones took.
  absl::Status CheckRoom(const PendingWrite& pending, Deadline now);
  void Push(PendingWrite pending);
  // It was taken, and comes next.
  void PutBack(PendingWrite pending);
  // The next group.
  std::vector<PendingWrite> Take();
  std::vector<PendingWrite> TakeAll();
  bool empty() const { return interactive_.calls.empty() && import_.calls.empty(); }

  void NoteGroup(std::chrono::nanoseconds took);
  void NoteExpired() { ++figures_.expired; }
  WriteQueueFigures figures() const;

 private:
  struct Lane {
    std::deque<PendingWrite> calls;
    uint64_t bytes = 0;
    PendingWrite Pop();
  };
  // Of a group, that Fill may use.
  enum class Part { kWhole, kAllButImports };
  static void Fill(Lane& lane, Part part, std::vector<PendingWrite>& group, uint64_t& bytes);

  Lane interactive_;
  Lane import_;
  std::chrono::nanoseconds group_time_{};  // average of the last ones
  WriteQueueFigures figures_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_WRITE_QUEUE_H_
