#ifndef KITH_COMMON_RPC_UNARY_HANDLER_H_
#define KITH_COMMON_RPC_UNARY_HANDLER_H_

#include <grpcpp/support/server_callback.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string_view>

#include "absl/functional/any_invocable.h"
#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/base/executor.h"
#include "common/rpc/call_gate.h"
#include "common/telemetry/request_metrics.h"

namespace grpc {
class CallbackServerContext;
}

namespace kith::rpc {

// What a handler knows of its call. Copies share the cancellation mark and may outlive the call.
struct CallContext {
  std::optional<Deadline> deadline;  // absent where the client set none
  std::shared_ptr<const std::atomic<bool>>
      cancelled;                                 // the client went away or the deadline passed
  std::shared_ptr<const AdmittedCall> admitted;  // nullptr where there is no gate

  // Whether the caller has the role for the collection: for calls that do not name theirs.
  bool May(auth::Role role, std::string_view collection) const {
    return admitted == nullptr || admitted->May(role, collection);
  }
  bool is_cancelled() const { return cancelled->load(std::memory_order_relaxed); }
};

// Answers the call, once, from any thread; request and response are gone afterwards. Destroyed
// without a call, it answers INTERNAL: no call is ever left hanging.
class FinishCall {
 public:
  using Function = absl::AnyInvocable<void(absl::Status)>;

  explicit FinishCall(Function function) : function_(std::move(function)) {}
  FinishCall(FinishCall&& other) noexcept : function_(std::move(other.function_)) {
    other.function_ = nullptr;
  }
  FinishCall& operator=(FinishCall&&) = delete;
  ~FinishCall();

  void operator()(const absl::Status& status);

 private:
  Function function_;
};

// A stream of calls, which only a drain ends where its client does not.
class DrainedStream {
 public:
  // Answers what it has read, reads no more, and ends with UNAVAILABLE DRAINING.
  virtual void Drain() = 0;

 protected:
  ~DrainedStream() = default;
};

// The calls of one server that have not ended. Threads: any.
struct CallsUnderWay {
  std::atomic<bool> draining{false};
  std::atomic<int64_t> count{0};
  std::atomic<int64_t> last_refusal_ns{0};  // steady clock, while draining
  std::mutex mutex;
  std::set<DrainedStream*> streams;  // guarded by mutex; each is in `count`, too
};

// What a call is answered with that comes when the process stops.
absl::Status DrainingError();

// Turns plain functions into unary reactors of the callback API: admission, deadline, cancellation,
// status mapping and metrics are done here, once, for every method:
//
//   grpc::ServerUnaryReactor* Get(context, request, response) override {
//     return calls_.Blocking("GetCollection", context, request, [=, this](const rpc::CallContext&
//     call) {
//       return service_.Get(*request, call.deadline, response);
//     });
//   }
//
// Outlives the server. Threads: any.
class UnaryCalls {
 public:
  using AsyncBody = absl::AnyInvocable<void(const CallContext&, FinishCall)>;
  using BlockingBody = absl::AnyInvocable<absl::Status(const CallContext&)>;

  // `metrics` may be null. `admin` runs the blocking bodies. Without a `gate` every call is let in:
  // that is for ports which only nodes reach.
  UnaryCalls(telemetry::RequestMetrics* metrics, Executor* admin, CallGate* gate = nullptr)
      : metrics_(metrics), admin_(admin), gate_(gate) {}

  // Whether the call is let in, as Async and Blocking ask themselves: a stream asks of each of its
  // requests. `method` is the method's own name.
  absl::StatusOr<std::shared_ptr<const AdmittedCall>> Admit(
      const char* method, const grpc::ServerContextBase& context,
      const google::protobuf::Message& request) const;

  // Before the server's shutdown, which cancels what arrives after it began. From now on what comes
  // is refused with UNAVAILABLE DRAINING, before it is looked at. Returns when every call has ended
  // and none has come for a while: their callers know. At the latest at `deadline`, or after two
  // seconds where only callers who do not listen are left.
  void Drain(Deadline deadline) const;

  // A stream is under way from Enter to Leave. False where the process stops: it is to drain at
  // once. Not under a lock that the stream's Drain takes.
  bool Enter(DrainedStream* stream) const;
  void Leave(DrainedStream* stream) const;

  // Counts a call that is no unary one: a message of a stream.
  void Observe(const char* method, absl::StatusCode code,
               std::chrono::steady_clock::duration took) const;

  // Runs `body` at once on the gRPC thread: it decodes, hands on and returns.
  // `method` is a literal: the gate knows it by that, and it labels the metrics.
  grpc::ServerUnaryReactor* Async(const char* method, grpc::CallbackServerContext* context,
                                  const google::protobuf::Message* request, AsyncBody body) const;
  // Posts `body` to the admin executor: RESOURCE_EXHAUSTED QUEUE_FULL where too many wait there;
  // not run at all where the call was cancelled while it waited.
  grpc::ServerUnaryReactor* Blocking(const char* method, grpc::CallbackServerContext* context,
                                     const google::protobuf::Message* request,
                                     BlockingBody body) const;

 private:
  telemetry::RequestMetrics* const metrics_;
  Executor* const admin_;
  CallGate* const gate_;
  const std::shared_ptr<CallsUnderWay> under_way_ = std::make_shared<CallsUnderWay>();
};

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_UNARY_HANDLER_H_
