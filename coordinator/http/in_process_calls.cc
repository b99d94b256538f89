#include "coordinator/http/in_process_calls.h"

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"

namespace kith::http {
namespace {

constexpr std::chrono::milliseconds kAskCallerEvery{100};  // whether the caller is still there

// Where a call that runs on gRPC's threads tells the waiting one that it has ended.
class Ending {
 public:
  void Tell(grpc::Status status) {
    const std::lock_guard lock(mutex_);
    status_ = std::move(status);
    has_ended_ = true;
    told_.notify_one();  // under the lock: the waiting thread may take this object away after it
  }
  // False where it has not ended within `patience`.
  bool Await(std::chrono::milliseconds patience) {
    std::unique_lock lock(mutex_);
    return told_.wait_for(lock, patience, [this] { return has_ended_; });
  }
  const grpc::Status& status() const { return status_; }

 private:
  std::mutex mutex_;
  std::condition_variable told_;
  bool has_ended_ = false;
  grpc::Status status_;
};

std::string BytesOf(const grpc::ByteBuffer& buffer) {
  std::vector<grpc::Slice> slices;
  std::string bytes;
  if (!buffer.Dump(&slices).ok()) return bytes;
  bytes.reserve(buffer.Length());
  for (const grpc::Slice& slice : slices) {
    bytes.append(reinterpret_cast<const char*>(slice.begin()), slice.size());
  }
  return bytes;
}

absl::Status Stopped() {
  return Error(absl::StatusCode::kUnavailable, reason::kDraining, "the process stops");
}

// Details come as the server wrote them, whatever their types.
google::rpc::Status ProtoOf(const grpc::Status& status) {
  google::rpc::Status proto;
  const bool has_details = !status.error_details().empty() &&
                           proto.ParseFromString(status.error_details()) &&
                           proto.code() == static_cast<int>(status.error_code());
  return has_details ? proto : rpc::StatusToProto(rpc::StatusFromGrpc(status));
}

}  // namespace

class InProcessCalls::UnderWay {
 public:
  explicit UnderWay(InProcessCalls& calls) : calls_(calls) {
    const std::lock_guard lock(calls_.counting_);
    ++calls_.under_way_;
  }
  ~UnderWay() {
    const std::lock_guard lock(calls_.counting_);
    --calls_.under_way_;
    calls_.has_ended_.notify_all();
  }
  UnderWay(const UnderWay&) = delete;
  UnderWay& operator=(const UnderWay&) = delete;

 private:
  InProcessCalls& calls_;
};

RestReply InProcessCalls::Make(const RestCall& call) {
  grpc::ClientContext context;
  for (const auto& [name, value] : call.metadata) context.AddMetadata(name, value);
  if (call.timeout.has_value()) {
    context.set_deadline(std::chrono::system_clock::now() + *call.timeout);
  }
  const grpc::Slice slice(call.request);
  const grpc::ByteBuffer request(&slice, 1);
  grpc::ByteBuffer response;
  Ending ending;
  const UnderWay under_way(*this);
  {
    const std::shared_lock lock(beginning_);
    if (is_closed_) return {rpc::StatusToProto(Stopped()), {}};
    grpc::GenericStub(channel_).UnaryCall(
        &context, call.method, grpc::StubOptions(), &request, &response,
        [&ending](grpc::Status status) { ending.Tell(std::move(status)); });
  }
  while (!ending.Await(kAskCallerEvery)) {
    if (call.is_wanted && !call.is_wanted()) context.TryCancel();
  }
  if (!ending.status().ok()) return {ProtoOf(ending.status()), {}};
  return {{}, BytesOf(response)};
}

void InProcessCalls::Close(Deadline deadline) {
  {
    const std::unique_lock lock(beginning_);
    is_closed_ = true;
  }
  std::unique_lock lock(counting_);
  has_ended_.wait_until(lock, deadline, [this] { return under_way_ == 0; });
}

}  // namespace kith::http
