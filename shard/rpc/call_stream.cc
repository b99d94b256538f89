#include "shard/rpc/call_stream.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/shard_messages.h"
#include "common/rpc/status_codes.h"

namespace kith::shard {
namespace {

Deadline DeadlineFrom(uint64_t timeout_us) {
  constexpr uint64_t kMax = limits::kDeadlineMsMax * 1000;
  return DeadlineIn(std::chrono::microseconds(std::min(timeout_us, kMax)));
}

v1::ShardReply ErrorReply(uint64_t call, const absl::Status& status) {
  v1::ShardReply reply;
  reply.set_call(call);
  *reply.mutable_status() = rpc::StatusToProto(status);
  return reply;
}

v1::ShardSearchReply* Body(v1::ShardReply& reply, const SearchReply&) {
  return reply.mutable_search();
}
v1::ShardWriteReply* Body(v1::ShardReply& reply, const WriteReply&) {
  return reply.mutable_write();
}
v1::ShardGetReply* Body(v1::ShardReply& reply, const GetReply&) { return reply.mutable_get(); }
v1::ShardScrollReply* Body(v1::ShardReply& reply, const ScrollReply&) {
  return reply.mutable_scroll();
}
v1::ShardFacetReply* Body(v1::ShardReply& reply, const FacetReply&) {
  return reply.mutable_facet();
}

absl::Status DrainingError() {
  return Error(absl::StatusCode::kUnavailable, reason::kDraining, "this shard node is stopping");
}

template <typename T>
v1::ShardReply MakeReply(uint64_t call, absl::StatusOr<T>&& result) {
  if (!result.ok()) return ErrorReply(call, result.status());
  v1::ShardReply reply;
  reply.set_call(call);
  rpc::ToProto(*std::move(result), Body(reply, *result));
  if (reply.ByteSizeLong() <= rpc::kFramedMessageBytesMax) return reply;
  return ErrorReply(call, Error(absl::StatusCode::kResourceExhausted, reason::kBatchTooLarge,
                                "the answer is larger than a message may be (64 MiB): ask for "
                                "fewer points or hits at a time"));
}

}  // namespace

struct CallStream::Arrived {
  uint64_t call;
  size_t bytes;
  Deadline deadline;
  std::chrono::steady_clock::time_point begin;
  const char* method;
};

bool OpenStreams::Add(CallStream* stream) {
  std::lock_guard lock(mutex_);
  streams_.insert(stream);
  return !draining_;
}

void OpenStreams::Remove(CallStream* stream) {
  std::lock_guard lock(mutex_);
  streams_.erase(stream);
}

void OpenStreams::Drain() {
  std::lock_guard lock(mutex_);
  draining_ = true;
  for (CallStream* stream : streams_) stream->Drain();
}

CallStream::CallStream(ShardService& service, OpenStreams& open, const CallStreamOptions& options)
    : service_(service), open_(open), options_(options) {
  StartSendInitialMetadata();  // the client writes nothing before it knows that somebody is here
  // Not under the lock: Drain holds the list's while it takes this one.
  if (open_.Add(this)) {
    Begin();
  } else {
    BeginDrain();
  }
}

void CallStream::OnDone() {
  open_.Remove(this);
  delete this;
}

void CallStream::Handle(v1::ShardCallFrame& frame) {
  if (Admit(frame)) {
    for (v1::ShardCall& call : *frame.mutable_calls()) Dispatch(std::move(call));
  }
  frame.Clear();
}

bool CallStream::Admit(const v1::ShardCallFrame& frame) {
  // Counted before the first is handed over: a call that is answered at once must not look like the
  // stream's last.
  size_t bytes = 0;
  for (const v1::ShardCall& call : frame.calls()) bytes += call.ByteSizeLong();
  std::lock_guard lock(mutex_);
  if (static_cast<size_t>(frame.calls_size()) > rpc::kFrameMessagesMax) {
    abused_ = reads_ended_ = true;
    return false;
  }
  if (finished_) return false;
  with_service_ += static_cast<size_t>(frame.calls_size());
  service_bytes_ += bytes;
  return true;
}

void CallStream::OnAnswersWritten() {
  in_frame_ = 0;
  frame_bytes_ = 0;
}

void CallStream::Dispatch(v1::ShardCall&& call) {
  Arrived arrived{call.call(), call.ByteSizeLong(), DeadlineFrom(call.timeout_us()),
                  std::chrono::steady_clock::now(), "ShardNode/Unknown"};
  switch (call.body_case()) {
    case v1::ShardCall::kSearch:
      arrived.method = "ShardNode/Search";
      return Search(arrived, std::move(*call.mutable_search()));
    case v1::ShardCall::kWrite:
      arrived.method = "ShardNode/Write";
      return Write(arrived, std::move(*call.mutable_write()));
    case v1::ShardCall::kGet:
      arrived.method = "ShardNode/Get";
      return Get(arrived, std::move(*call.mutable_get()));
    case v1::ShardCall::kScroll:
      arrived.method = "ShardNode/Scroll";
      return Scroll(arrived, std::move(*call.mutable_scroll()));
    case v1::ShardCall::kFacet:
      arrived.method = "ShardNode/Facet";
      return Facet(arrived, std::move(*call.mutable_facet()));
    case v1::ShardCall::BODY_NOT_SET:
      break;
  }
  Reply(arrived,
        ErrorReply(arrived.call, FieldError("body", reason::kBadRequest, "is of an unknown kind")));
}

void CallStream::Search(const Arrived& arrived, v1::ShardSearchCall&& message) {
  absl::StatusOr<SearchCall> call = rpc::FromProto(std::move(message));
  if (!call.ok()) return Reply(arrived, ErrorReply(arrived.call, call.status()));
  service_.Search(*std::move(call), arrived.deadline, ReplyTo<SearchReply>(arrived));
}

void CallStream::Write(const Arrived& arrived, v1::ShardWriteCall&& message) {
  absl::StatusOr<WriteCall> call = rpc::FromProto(std::move(message));
  if (!call.ok()) return Reply(arrived, ErrorReply(arrived.call, call.status()));
  service_.Write(*std::move(call), arrived.deadline, ReplyTo<WriteReply>(arrived));
}

void CallStream::Get(const Arrived& arrived, v1::ShardGetCall&& message) {
  absl::StatusOr<GetCall> call = rpc::FromProto(std::move(message));
  if (!call.ok()) return Reply(arrived, ErrorReply(arrived.call, call.status()));
  service_.Get(*std::move(call), arrived.deadline, ReplyTo<GetReply>(arrived));
}

void CallStream::Scroll(const Arrived& arrived, v1::ShardScrollCall&& message) {
  absl::StatusOr<ScrollCall> call = rpc::FromProto(std::move(message));
  if (!call.ok()) return Reply(arrived, ErrorReply(arrived.call, call.status()));
  service_.Scroll(*std::move(call), arrived.deadline, ReplyTo<ScrollReply>(arrived));
}

void CallStream::Facet(const Arrived& arrived, v1::ShardFacetCall&& message) {
  absl::StatusOr<FacetCall> call = rpc::FromProto(std::move(message));
  if (!call.ok()) return Reply(arrived, ErrorReply(arrived.call, call.status()));
  service_.Facet(*std::move(call), arrived.deadline, ReplyTo<FacetReply>(arrived));
}

template <typename T>
Done<T> CallStream::ReplyTo(const Arrived& arrived) {
  return [this, arrived](absl::StatusOr<T> result) {
    Reply(arrived, MakeReply(arrived.call, std::move(result)));
  };
}

void CallStream::Reply(const Arrived& arrived, v1::ShardReply&& reply) {
  if (options_.metrics != nullptr) {
    options_.metrics->Observe(arrived.method,
                              rpc::CodeName(static_cast<absl::StatusCode>(reply.status().code())),
                              std::chrono::steady_clock::now() - arrived.begin);
  }
  const size_t bytes = reply.ByteSizeLong();
  std::unique_lock lock(mutex_);
  --with_service_;
  service_bytes_ -= arrived.bytes;
  if (!broken_) replies_.Push(std::move(reply), bytes);
  Advance(std::move(lock));
}

bool CallStream::HasRoom() const {
  const size_t held = with_service_ + replies_.size() + in_frame_;
  const size_t bytes = service_bytes_ + replies_.bytes() + frame_bytes_;
  return held < options_.held_calls_max && bytes < options_.held_bytes_max;
}

grpc::Status CallStream::EndStatus() const {
  if (abused_) {
    return rpc::StatusToGrpc(FieldError("calls", reason::kBatchTooLarge, "too many in one frame"));
  }
  return draining_ ? rpc::StatusToGrpc(DrainingError()) : grpc::Status::OK;
}

bool CallStream::TakeAnswers(v1::ShardReplyFrame& outgoing) {
  if (replies_.empty()) return false;
  outgoing.Clear();
  const size_t waiting = replies_.bytes();
  replies_.FillFrame([&](v1::ShardReply&& reply) {
    *outgoing.add_replies() = std::move(reply);
    ++in_frame_;
    return true;
  });
  frame_bytes_ = waiting - replies_.bytes();
  return true;
}

}  // namespace kith::shard
