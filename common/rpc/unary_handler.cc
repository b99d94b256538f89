#include "common/rpc/unary_handler.h"

#include <grpcpp/server_context.h>

#include <chrono>
#include <string>
#include <thread>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/deadline.h"
#include "common/rpc/status_codes.h"

namespace kith::rpc {
namespace {

class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  UnaryReactor(telemetry::RequestMetrics* metrics, const char* method,
               std::shared_ptr<CallsUnderWay> under_way)
      : metrics_(metrics),
        method_(method),
        begin_(std::chrono::steady_clock::now()),
        under_way_(std::move(under_way)) {
    under_way_->count.fetch_add(1, std::memory_order_relaxed);
  }
  ~UnaryReactor() override { under_way_->count.fetch_sub(1, std::memory_order_release); }

  std::shared_ptr<const std::atomic<bool>> cancelled() const { return cancelled_; }
  void Admitted(std::shared_ptr<const AdmittedCall> admitted) { admitted_ = std::move(admitted); }

  // The reactor may be gone when this returns.
  void Answer(const absl::Status& status) {
    if (metrics_ != nullptr) {
      metrics_->Observe(method_, CodeName(status.code()),
                        std::chrono::steady_clock::now() - begin_);
    }
    if (admitted_ != nullptr) admitted_->Ended(status);
    Finish(StatusToGrpc(status));
  }

 private:
  void OnCancel() override { cancelled_->store(true, std::memory_order_relaxed); }
  void OnDone() override { delete this; }
  // OnDone is as little as gRPC's own, so it may run where the call ended: without this word gRPC
  // wakes another thread for it, of every call.
  bool InternalInlineable() override { return true; }

  telemetry::RequestMetrics* const metrics_;
  const char* const method_;
  const std::chrono::steady_clock::time_point begin_;
  const std::shared_ptr<CallsUnderWay> under_way_;
  const std::shared_ptr<std::atomic<bool>> cancelled_ = std::make_shared<std::atomic<bool>>(false);
  std::shared_ptr<const AdmittedCall> admitted_;
};

struct StartedCall {
  UnaryReactor* reactor;
  CallContext context;
  FinishCall finish;
};

StartedCall Start(UnaryReactor* reactor, const grpc::CallbackServerContext& context) {
  return {reactor,
          {DeadlineOf(context), reactor->cancelled(), nullptr},
          FinishCall([reactor](absl::Status status) { reactor->Answer(status); })};
}

constexpr auto kQuiet = std::chrono::milliseconds(50);
constexpr auto kDeafCallers = std::chrono::seconds(2);
constexpr auto kLook = std::chrono::milliseconds(5);

// Whether what comes now is refused; notes when.
bool RefusesByDrain(CallsUnderWay& under_way) {
  if (!under_way.draining.load(std::memory_order_acquire)) return false;
  under_way.last_refusal_ns = std::chrono::steady_clock::now().time_since_epoch().count();
  return true;
}

// Whether the call was refused because the process stops.
bool RefusedByDrain(CallsUnderWay& under_way, StartedCall& call) {
  if (!RefusesByDrain(under_way)) return false;
  call.finish(DrainingError());
  return true;
}

// Whether the call goes on; else it has been answered.
bool LetIn(StartedCall& call, absl::StatusOr<std::shared_ptr<const AdmittedCall>> admitted) {
  if (!admitted.ok()) {
    call.finish(admitted.status());
    return false;
  }
  call.context.admitted = *std::move(admitted);
  call.reactor->Admitted(call.context.admitted);
  return true;
}

}  // namespace

absl::Status DrainingError() {
  return Error(absl::StatusCode::kUnavailable, reason::kDraining,
               "the server is stopping; retry on its successor", {{kRetryAfterMsFact, "500"}});
}

FinishCall::~FinishCall() {
  if (function_) {
    function_(absl::InternalError("the server dropped this call without an answer; report it"));
  }
}

void FinishCall::operator()(const absl::Status& status) {
  // Emptied first: the call, and with it this object's owner, may be gone when the function
  // returns.
  Function function = std::exchange(function_, nullptr);
  if (function) function(status);
}

absl::StatusOr<std::shared_ptr<const AdmittedCall>> UnaryCalls::Admit(
    const char* method, const grpc::ServerContextBase& context,
    const google::protobuf::Message& request) const {
  if (gate_ == nullptr) return nullptr;
  return gate_->Admit(method, context, request);
}

bool UnaryCalls::Enter(DrainedStream* stream) const {
  std::lock_guard lock(under_way_->mutex);
  under_way_->streams.insert(stream);
  under_way_->count.fetch_add(1, std::memory_order_relaxed);
  return !RefusesByDrain(*under_way_);
}

void UnaryCalls::Leave(DrainedStream* stream) const {
  std::lock_guard lock(under_way_->mutex);
  under_way_->streams.erase(stream);
  under_way_->count.fetch_sub(1, std::memory_order_release);
}

void UnaryCalls::Observe(const char* method, absl::StatusCode code,
                         std::chrono::steady_clock::duration took) const {
  if (metrics_ != nullptr) metrics_->Observe(method, CodeName(code), took);
}

grpc::ServerUnaryReactor* UnaryCalls::Async(const char* method,
                                            grpc::CallbackServerContext* context,
                                            const google::protobuf::Message* request,
                                            AsyncBody body) const {
  StartedCall call = Start(new UnaryReactor(metrics_, method, under_way_), *context);
  if (RefusedByDrain(*under_way_, call)) return call.reactor;
  if (!LetIn(call, Admit(method, *context, *request))) return call.reactor;
  body(call.context, std::move(call.finish));
  return call.reactor;
}

grpc::ServerUnaryReactor* UnaryCalls::Blocking(const char* method,
                                               grpc::CallbackServerContext* context,
                                               const google::protobuf::Message* request,
                                               BlockingBody body) const {
  StartedCall call = Start(new UnaryReactor(metrics_, method, under_way_), *context);
  if (RefusedByDrain(*under_way_, call)) return call.reactor;
  if (!LetIn(call, Admit(method, *context, *request))) return call.reactor;
  auto finish = std::make_shared<FinishCall>(std::move(call.finish));
  const bool posted =
      admin_->Post([finish, body = std::move(body), context = call.context]() mutable {
        (*finish)(context.is_cancelled() ? absl::CancelledError("the caller went away")
                                         : body(context));
      });
  if (!posted) {
    (*finish)(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                    "too many administrative calls are waiting; try again later",
                    {{kRetryAfterMsFact, "200"}}));
  }
  return call.reactor;
}

void UnaryCalls::Drain(Deadline deadline) const {
  const Deadline begun = std::chrono::steady_clock::now();
  under_way_->last_refusal_ns = begun.time_since_epoch().count();
  {
    std::lock_guard lock(under_way_->mutex);
    under_way_->draining = true;
    for (DrainedStream* stream : under_way_->streams) stream->Drain();
  }
  for (Deadline now = begun; now < deadline; now = std::chrono::steady_clock::now()) {
    const Deadline last{Deadline::duration(under_way_->last_refusal_ns.load())};
    const bool is_quiet = now - last >= kQuiet || now - begun >= kDeafCallers;
    if (is_quiet && under_way_->count.load(std::memory_order_acquire) == 0) return;
    std::this_thread::sleep_for(kLook);
  }
}

}  // namespace kith::rpc
