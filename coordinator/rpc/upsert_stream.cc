#include "coordinator/rpc/upsert_stream.h"

#include <grpcpp/server_context.h>

#include <utility>

#include "common/base/limits.h"
#include "common/rpc/deadline.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/point_messages.h"

namespace kith::coordinator::rpc {

UpsertStream::UpsertStream(const Host& host, grpc::CallbackServerContext* context)
    : host_(host), context_(*context), deadline_(kith::rpc::DeadlineOf(*context)) {
  stall_->context = context;
  // Not under the lock: a drain holds the list's while it takes this one.
  const bool welcome = host_.calls.Enter(this);
  std::unique_lock lock(mutex_);
  draining_ |= !welcome;
  Advance(std::move(lock));
}

void UpsertStream::Drain() {
  std::unique_lock lock(mutex_);
  draining_ = true;
  Advance(std::move(lock));
}

void UpsertStream::OnDone() {
  {
    std::lock_guard lock(stall_->mutex);
    stall_->context = nullptr;
  }
  host_.calls.Leave(this);
  delete this;
}

void UpsertStream::OnReadDone(bool ok) {
  if (ok) Handle();
  std::unique_lock lock(mutex_);
  reading_ = false;
  if (!ok) reads_ended_ = true;
  Advance(std::move(lock));
}

// A read may be in flight when the stream finishes: what it brings then finds nobody to answer it.
bool UpsertStream::Admit(const Arrived& arrived) {
  std::lock_guard lock(mutex_);
  if (draining_ || finished_) return false;
  ++under_way_;
  bytes_ += arrived.bytes;
  return true;
}

// The message is read while Upsert runs, and not after it.
void UpsertStream::Handle() {
  const Arrived arrived{incoming_.sequence(), incoming_.ByteSizeLong(),
                        std::chrono::steady_clock::now()};
  if (!Admit(arrived)) return;
  const auto answer = [this, arrived](const absl::StatusOr<UpsertAnswer>& upserted) {
    v1::StreamUpsertResponse response;
    if (upserted.ok()) UpsertToProto(*upserted, response.mutable_upsert());
    if (!upserted.ok()) *response.mutable_status() = kith::rpc::StatusToProto(upserted.status());
    Answer(arrived, std::move(response));
  };
  const auto admitted = host_.calls.Admit("StreamUpsert", context_, incoming_);
  if (!admitted.ok()) return answer(admitted.status());
  absl::StatusOr<UpsertCall> call = UpsertFromProto(incoming_.upsert());
  if (!call.ok()) return answer(call.status());
  call->deadline = deadline_;
  host_.write.Upsert(*call, answer);
}

void UpsertStream::Answer(const Arrived& arrived, v1::StreamUpsertResponse&& answer) {
  host_.calls.Observe("StreamUpsert", static_cast<absl::StatusCode>(answer.status().code()),
                      std::chrono::steady_clock::now() - arrived.begin);
  answer.set_sequence(arrived.sequence);
  std::unique_lock lock(mutex_);
  --under_way_;
  bytes_ -= arrived.bytes;
  if (!broken_) answers_.push_back(std::move(answer));
  Advance(std::move(lock));
}

void UpsertStream::OnWriteDone(bool ok) {
  std::unique_lock lock(mutex_);
  writing_ = false;
  if (watch_.has_value()) host_.write.timer().Cancel(*watch_);
  watch_.reset();
  if (!ok) {
    broken_ = true;
    answers_.clear();
  }
  Advance(std::move(lock));
}

void UpsertStream::OnCancel() {
  std::unique_lock lock(mutex_);
  broken_ = true;
  answers_.clear();
  Advance(std::move(lock));
}

void UpsertStream::WatchWrite() {
  const Deadline until = std::chrono::steady_clock::now() + host_.stall;
  watch_ = host_.write.timer().Add(until, [stall = stall_] {
    std::lock_guard lock(stall->mutex);
    if (stall->context != nullptr) stall->context->TryCancel();
  });
}

bool UpsertStream::MayRead() const {
  const size_t held = under_way_ + answers_.size() + (writing_ ? 1 : 0);
  return !reading_ && !reads_ended_ && !broken_ && !draining_ && !finished_ &&
         held < limits::kStreamMessagesMax && bytes_ < limits::kStreamBytesMax;
}

bool UpsertStream::MayFinish() const {
  return !finished_ && (reads_ended_ || draining_ || (broken_ && !reading_)) && under_way_ == 0 &&
         !writing_ && answers_.empty() && starting_ == 0;
}

// An operation that is marked as running may not have begun when somebody else looks: until it has,
// the stream does not finish, for what finishes is deleted. So the one that begins it looks again.
void UpsertStream::Advance(std::unique_lock<std::mutex> lock) {
  while (true) {
    const bool write = !writing_ && !broken_ && !answers_.empty();
    if (write) {
      writing_ = true;
      outgoing_ = std::move(answers_.front());
      answers_.pop_front();
      WatchWrite();
    }
    const bool read = MayRead();
    if (read) reading_ = true;
    if (!write && !read) break;
    ++starting_;
    lock.unlock();
    if (write) StartWrite(&outgoing_);
    if (read) StartRead(&incoming_);
    lock.lock();
    --starting_;
  }
  if (!MayFinish()) return;
  finished_ = true;
  const bool is_whole = reads_ended_ || !draining_;
  lock.unlock();
  Finish(is_whole ? grpc::Status::OK : kith::rpc::StatusToGrpc(kith::rpc::DrainingError()));
}

}  // namespace kith::coordinator::rpc
