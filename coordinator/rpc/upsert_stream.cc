#include "coordinator/rpc/upsert_stream.h"

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
  if (host_.calls.Enter(this)) {
    Begin();
  } else {
    BeginDrain();
  }
}

void UpsertStream::OnDone() {
  {
    std::lock_guard lock(stall_->mutex);
    stall_->context = nullptr;
  }
  host_.calls.Leave(this);
  delete this;
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
void UpsertStream::Handle(v1::StreamUpsertRequest& message) {
  const Arrived arrived{message.sequence(), message.ByteSizeLong(),
                        std::chrono::steady_clock::now()};
  if (!Admit(arrived)) return;
  const auto answer = [this, arrived](const absl::StatusOr<UpsertAnswer>& upserted) {
    v1::StreamUpsertResponse response;
    if (upserted.ok()) ToProto(*upserted, response.mutable_upsert());
    if (!upserted.ok()) *response.mutable_status() = kith::rpc::StatusToProto(upserted.status());
    Answer(arrived, std::move(response));
  };
  const auto admitted = host_.calls.Admit("StreamUpsert", context_, message);
  if (!admitted.ok()) return answer(admitted.status());
  absl::StatusOr<UpsertCall> call = FromProto(message.upsert());
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

bool UpsertStream::TakeAnswers(v1::StreamUpsertResponse& outgoing) {
  if (answers_.empty()) return false;
  outgoing = std::move(answers_.front());
  answers_.pop_front();
  WatchWrite();
  return true;
}

void UpsertStream::OnAnswersWritten() {
  if (watch_.has_value()) host_.write.timer().Cancel(*watch_);
  watch_.reset();
}

void UpsertStream::WatchWrite() {
  const Deadline until = std::chrono::steady_clock::now() + host_.stall;
  watch_ = host_.write.timer().Add(until, [stall = stall_] {
    std::lock_guard lock(stall->mutex);
    if (stall->context != nullptr) stall->context->TryCancel();
  });
}

bool UpsertStream::HasRoom() const {
  const size_t held = under_way_ + answers_.size() + (writing() ? 1 : 0);
  return held < limits::kStreamMessagesMax && bytes_ < limits::kStreamBytesMax;
}

grpc::Status UpsertStream::EndStatus() const {
  const bool is_whole = reads_ended_ || !draining_;
  return is_whole ? grpc::Status::OK : kith::rpc::StatusToGrpc(kith::rpc::DrainingError());
}

}  // namespace kith::coordinator::rpc
