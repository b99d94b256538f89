#ifndef KITH_COORDINATOR_SEARCH_SCATTER_GATHER_H_
#define KITH_COORDINATOR_SEARCH_SCATTER_GATHER_H_

#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/search/deadline_timer.h"

namespace kith::coordinator {

template <typename Reply>
using Replies = std::vector<absl::StatusOr<Reply>>;

// Collects one reply a part and finishes once: when the last has come, or at the deadline with what
// is there. A reply after that is dropped; it touches nothing but this state, which it shares.
// Threads: any.
template <typename Reply>
class Gather : public std::enable_shared_from_this<Gather<Reply>> {
 public:
  using Finish = absl::AnyInvocable<void(Replies<Reply>)>;

  Gather(DeadlineTimer& timer, Finish finish) : timer_(timer), finish_(std::move(finish)) {}

  // `late` stands for every part that has not answered by then. False where too many calls wait:
  // then the gather is finished with QUEUE_FULL and nothing should be sent.
  [[nodiscard]] bool Expect(size_t parts, Deadline deadline, const absl::Status& late) {
    replies_.assign(parts, late);
    missing_ = parts;
    ticket_ = timer_.Add(deadline, [self = this->shared_from_this()] { self->End(); });
    if (ticket_.has_value()) return true;
    const absl::Status full = Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                                    "too many calls wait for their shards; send fewer at a time",
                                    {{kRetryAfterMsFact, "100"}});
    replies_.assign(parts, full);
    End();
    return false;
  }

  Done<Reply> Part(size_t part) {
    return [self = this->shared_from_this(), part](absl::StatusOr<Reply> reply) {
      self->Take(part, std::move(reply));
    };
  }

 private:
  // Finishing is claimed under the lock: once the timer has ended the call, no reply touches the
  // timer again, which may be gone by then.
  void Take(size_t part, absl::StatusOr<Reply> reply) {
    {
      std::lock_guard lock(mutex_);
      if (is_finished_) return;
      replies_[part] = std::move(reply);
      if (--missing_ > 0) return;
      is_finished_ = true;
    }
    timer_.Cancel(*ticket_);
    Close();
  }

  void End() {
    {
      std::lock_guard lock(mutex_);
      if (is_finished_) return;
      is_finished_ = true;
    }
    Close();
  }

  // What `finish` holds is let go now, not when the last straggler replies.
  void Close() {
    Finish finish = std::move(finish_);
    finish(std::move(replies_));
  }

  DeadlineTimer& timer_;
  std::optional<DeadlineTimer::Ticket> ticket_;  // set before the first part is handed out
  std::mutex mutex_;
  bool is_finished_ = false;
  size_t missing_ = 0;
  Replies<Reply> replies_;
  Finish finish_;
};

struct GatherLimits {
  DeadlineTimer& timer;
  Deadline deadline;
  absl::Status late;  // of a part that has not answered by the deadline
};

// Calls send(part, done) for each part, then finish(replies) once, on whichever thread the last
// reply (or the deadline) comes. `send` must not touch what `finish` may change: replies can
// arrive, and the deadline pass, while later parts are still being sent.
template <typename Reply, typename Send>
void ScatterGather(size_t parts, const GatherLimits& limits, Send send,
                   typename Gather<Reply>::Finish finish) {
  auto gather = std::make_shared<Gather<Reply>>(limits.timer, std::move(finish));
  if (!gather->Expect(parts, limits.deadline, limits.late)) return;
  for (size_t part = 0; part < parts; ++part) send(part, gather->Part(part));
}

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SCATTER_GATHER_H_
