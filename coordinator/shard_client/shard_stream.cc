#include "coordinator/shard_client/shard_stream.h"

#include <fmt/format.h>
#include <grpcpp/channel.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "coordinator/shard_client/stream_attempt.h"

namespace kith::coordinator {
namespace {

constexpr size_t kPendingMax = limits::kSearchQueueMax + limits::kWriteQueueMax;

uint64_t MicrosecondsUntil(Deadline deadline, Deadline now) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(deadline - now).count());
}

}  // namespace

ShardStream::ShardStream(std::string address, const std::shared_ptr<grpc::Channel>& channel,
                         DeadlineTimer& timer)
    : address_(std::move(address)), timer_(timer), stub_(v1::ShardNode::NewStub(channel)) {}

ShardStream::~ShardStream() { Close(); }

void ShardStream::Send(v1::ShardCall&& message, Deadline deadline, ReplyDone done) {
  const size_t bytes = message.ByteSizeLong();
  std::unique_lock lock(mutex_);
  absl::Status refusal = Refusal(bytes);
  const uint64_t call = next_call_++;
  std::optional<DeadlineTimer::Ticket> ticket;
  if (refusal.ok()) {
    ticket = timer_.Add(deadline, [self = shared_from_this(), call] { self->Expire(call); });
    if (!ticket.has_value()) refusal = QueueFull();
  }
  if (!refusal.ok()) {
    ++finishing_;
    lock.unlock();
    return Refuse(std::move(done), refusal);
  }
  message.set_call(call);
  Enqueue(std::move(message), bytes,
          {.done = std::move(done), .deadline = deadline, .ticket = ticket});
  Continue(std::move(lock));
}

// Why a call may not even wait. With the lock.
absl::Status ShardStream::Refusal(size_t bytes) const {
  if (closed_) {
    return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable,
                 fmt::format("the connection to shard node {} is being closed", address_));
  }
  if (bytes > rpc::kFramedMessageBytesMax) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBatchTooLarge,
                 fmt::format("a call of {} bytes is larger than a message may be ({}): send fewer "
                             "points or queries at a time",
                             bytes, rpc::kFramedMessageBytesMax));
  }
  const bool full = pending_.size() >= kPendingMax || queue_.bytes() > limits::kWriteQueueBytesMax;
  return full ? QueueFull() : absl::OkStatus();
}

absl::Status ShardStream::QueueFull() const {
  return Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
               fmt::format("too many calls wait for shard node {}", address_),
               {{kRetryAfterMsFact, "50"}});
}

// On the timer's thread: a caller may hold a lock that its `done` takes.
void ShardStream::Refuse(ReplyDone done, const absl::Status& status) {
  auto shared = std::make_shared<ReplyDone>(std::move(done));
  const auto finish = [self = shared_from_this(), shared, status] {
    Ended ended;
    ended.emplace_back(Pending{.done = std::move(*shared)}, status);
    self->Finish(std::move(ended));
  };
  if (!timer_.Add(Deadline::min(), finish).has_value()) finish();
}

void ShardStream::Enqueue(v1::ShardCall&& message, size_t bytes, Pending pending) {
  pending.is_write = message.has_write();
  const uint64_t call = message.call();
  const bool expired = pending.deadline <= std::chrono::steady_clock::now();
  pending_.emplace(call, std::move(pending));
  if (!expired) queue_.Push(std::move(message), bytes);
}

void ShardStream::FillFrame() {
  const Deadline now = std::chrono::steady_clock::now();
  attempt_->outgoing.Clear();
  queue_.FillFrame([&](v1::ShardCall&& message) {
    const auto found = pending_.find(message.call());
    if (found == pending_.end() || found->second.deadline <= now) return false;
    message.set_timeout_us(MicrosecondsUntil(found->second.deadline, now));
    found->second.sent = true;
    *attempt_->outgoing.add_calls() = std::move(message);
    return true;
  });
}

void ShardStream::Continue(std::unique_lock<std::mutex> lock) {
  Attempt* opened = nullptr;
  if (attempt_ == nullptr && !queue_.empty() && !closed_) {
    opened = attempt_ = new Attempt(*this, *stub_);
  }
  Attempt* writer = nullptr;
  Attempt* let_go = nullptr;
  if (attempt_ != nullptr && !writing_) {
    if (attempt_->is_dead) {
      if (!std::exchange(attempt_->is_let_go, true)) let_go = attempt_;
    } else if (attempt_->is_established && !queue_.empty()) {
      FillFrame();
      if (attempt_->outgoing.calls_size() > 0) {
        writing_ = true;
        writer = attempt_;
      }
    }
  }
  lock.unlock();
  // Its hold keeps the attempt alive through these: it is let go only once, and not while writing.
  if (opened != nullptr) opened->Open();
  if (writer != nullptr) writer->Write();
  if (let_go != nullptr) let_go->LetGo();
}

void ShardStream::Established() {
  std::unique_lock lock(mutex_);
  attempt_->is_established = true;
  Continue(std::move(lock));
}

void ShardStream::WriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  writing_ = false;
  Attempt* const attempt = attempt_;
  if (!ok) {
    attempt->is_dead = true;
    attempt->Cancel();  // so that its reads end too
  }
  Continue(std::move(lock));
}

void ShardStream::ReadsEnded() {
  std::unique_lock lock(mutex_);
  attempt_->is_dead = true;
  Continue(std::move(lock));
}

void ShardStream::AttemptEnded(Attempt* ended_attempt, const absl::Status& status) {
  Ended ended;
  {
    std::lock_guard lock(mutex_);
    attempt_ = nullptr;
    writing_ = false;
    queue_.Clear();
    while (!pending_.empty()) {
      const auto next = pending_.begin();
      Take(next, BrokenError(next->second, status), ended);
    }
    ++finishing_;
    quiet_.notify_all();
  }
  delete ended_attempt;  // nothing refers to it any more; Close waits for it
  Finish(std::move(ended));
  std::lock_guard lock(mutex_);
  if (--finishing_ == 0) quiet_.notify_all();
}

void ShardStream::Deliver(v1::ShardReplyFrame& frame) {
  Ended ended;
  {
    std::lock_guard lock(mutex_);
    for (v1::ShardReply& reply : *frame.mutable_replies()) {
      const auto found = pending_.find(reply.call());
      if (found == pending_.end()) continue;  // later than its deadline
      if (reply.status().code() != 0) {
        Take(found, rpc::StatusFromProto(reply.status()), ended);
      } else {
        Take(found, std::move(reply), ended);
      }
    }
  }
  Finish(std::move(ended));
}

void ShardStream::Expire(uint64_t call) {
  Ended ended;
  {
    std::lock_guard lock(mutex_);
    const auto found = pending_.find(call);
    if (found == pending_.end()) return;
    found->second.ticket.reset();
    const bool sent = found->second.sent;
    if (!sent) queue_.Remove([&](const v1::ShardCall& waiting) { return waiting.call() == call; });
    const bool in_doubt = found->second.is_write && sent;
    Take(found,
         Error(absl::StatusCode::kDeadlineExceeded,
               in_doubt ? reason::kUnknownOutcome : reason::kDeadline,
               fmt::format("shard node {} did not {} within the deadline", address_,
                           sent ? "answer" : "take the call")),
         ended);
  }
  Finish(std::move(ended));
}

void ShardStream::Take(std::unordered_map<uint64_t, Pending>::iterator found,
                       absl::StatusOr<v1::ShardReply> result, Ended& ended) {
  ++finishing_;
  ended.emplace_back(std::move(found->second), std::move(result));
  pending_.erase(found);
}

void ShardStream::Finish(Ended ended) {
  if (ended.empty()) return;
  for (auto& [pending, result] : ended) {
    if (pending.ticket.has_value()) timer_.Cancel(*pending.ticket);
    pending.done(std::move(result));
    pending.done = nullptr;  // what it holds goes before Close returns
  }
  std::lock_guard lock(mutex_);
  finishing_ -= ended.size();
  if (finishing_ == 0) quiet_.notify_all();
}

absl::Status ShardStream::BrokenError(const Pending& pending, const absl::Status& cause) const {
  if (pending.is_write && pending.sent) {
    return Error(
        absl::StatusCode::kUnavailable, reason::kUnknownOutcome,
        fmt::format("the connection to shard node {} broke before it answered ({}); repeat "
                    "the write with the same request_id",
                    address_, std::string(cause.message())));
  }
  const std::string reason = ReasonOf(cause);
  return Error(absl::StatusCode::kUnavailable,
               reason == reason::kDraining ? reason::kDraining : reason::kShardUnavailable,
               fmt::format("no connection to shard node {}: {}", address_,
                           cause.ok() ? "it ended the stream" : std::string(cause.message())));
}

void ShardStream::Close() {
  Ended ended;
  {
    std::unique_lock lock(mutex_);
    closed_ = true;
    if (attempt_ != nullptr) attempt_->Cancel();
    quiet_.wait(lock, [this] { return attempt_ == nullptr; });
    // Calls that were never sent, because their deadline had passed already.
    while (!pending_.empty()) {
      const auto next = pending_.begin();
      Take(next, BrokenError(next->second, absl::CancelledError("closed")), ended);
    }
  }
  Finish(std::move(ended));
  std::unique_lock lock(mutex_);
  quiet_.wait(lock, [this] { return finishing_ == 0; });
}

}  // namespace kith::coordinator
