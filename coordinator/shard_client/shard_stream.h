#ifndef KITH_COORDINATOR_SHARD_CLIENT_SHARD_STREAM_H_
#define KITH_COORDINATOR_SHARD_CLIENT_SHARD_STREAM_H_

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/functional/any_invocable.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/rpc/frame_queue.h"
#include "coordinator/search/deadline_timer.h"
#include "kith/v1/shard.grpc.pb.h"

namespace kith::coordinator {

// The calls to one shard copy, multiplexed over one gRPC stream on a connection of its own. The
// stream is opened by the first call; when it breaks, what was pending on it fails and the next
// call opens another. Frames carry whatever waits, one write is in flight.
//
// Every call ends exactly once: by its reply; at its deadline (the timer of this process decides, a
// later reply is dropped); with UNAVAILABLE SHARD_UNAVAILABLE when the stream breaks. A write that
// may have reached the shard then ends with reason UNKNOWN_OUTCOME: nothing is written before the
// node has answered the stream, so that a write to a node that is down is known not to have
// happened.
//
// Threads: any. Close must not be called from a call's `done`.
class ShardStream : public std::enable_shared_from_this<ShardStream> {
 public:
  using ReplyDone = absl::AnyInvocable<void(absl::StatusOr<v1::ShardReply>)>;

  // `timer` outlives Close; `address` is for messages.
  ShardStream(std::string address, const std::shared_ptr<grpc::Channel>& channel,
              DeadlineTimer& timer);
  ~ShardStream();

  // `message` has its body; number and timeout are set here. `done` runs on another thread.
  void Send(v1::ShardCall&& message, Deadline deadline, ReplyDone done);
  // Fails what is pending; when it returns nothing of this stream runs any more.
  void Close();

 private:
  class Attempt;
  struct Pending {
    ReplyDone done;
    Deadline deadline{};
    std::optional<DeadlineTimer::Ticket> ticket = std::nullopt;
    bool is_write = false;
    bool sent = false;
  };
  using Ended = std::vector<std::pair<Pending, absl::StatusOr<v1::ShardReply>>>;

  absl::Status Refusal(size_t bytes) const;
  absl::Status QueueFull() const;
  void Refuse(ReplyDone done, const absl::Status& status);
  // With the lock; what it starts is started by Continue, which releases it.
  void Enqueue(v1::ShardCall&& message, size_t bytes, Pending pending);
  void FillFrame();
  void Continue(std::unique_lock<std::mutex> lock);

  // From the attempt's reactions and the timer.
  void Established();
  void Deliver(v1::ShardReplyFrame& frame);
  void WriteDone(bool ok);
  void ReadsEnded();
  void AttemptEnded(Attempt* ended_attempt, const absl::Status& status);
  void Expire(uint64_t call);

  void Take(std::unordered_map<uint64_t, Pending>::iterator found,
            absl::StatusOr<v1::ShardReply> result, Ended& ended);
  // Without the lock; counts `ended` off afterwards.
  void Finish(Ended ended);
  absl::Status BrokenError(const Pending& pending, const absl::Status& cause) const;

  const std::string address_;
  DeadlineTimer& timer_;
  const std::unique_ptr<v1::ShardNode::Stub> stub_;

  std::mutex mutex_;
  std::condition_variable quiet_;
  std::unordered_map<uint64_t, Pending> pending_;
  rpc::FrameQueue<v1::ShardCall> queue_;
  uint64_t next_call_ = 1;
  size_t finishing_ = 0;        // calls whose `done` is being run, attempts being deleted
  Attempt* attempt_ = nullptr;  // owned; deleted by AttemptEnded
  bool writing_ = false;
  bool closed_ = false;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SHARD_CLIENT_SHARD_STREAM_H_
