#include "common/rpc/poller_limit.h"

#include <grpc/support/cpu.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "common/telemetry/log.h"

namespace kith::rpc {
namespace {

constexpr std::chrono::seconds kPatience{2};

// What gRPC has (CompletionQueue::CallbackAlternativeCQ).
int PollersOfGrpc() { return std::clamp(static_cast<int>(gpr_cpu_num_cores()) / 2, 2, 16); }

// Runs `callback` on one of gRPC's polling threads: as the end of a call that fails at once, on a
// channel without credentials, which gRPC promises to be such a one. No socket is opened.
void RunOnPoller(std::function<void()> callback) {
  struct Call {
    Call() : stub(grpc::CreateChannel("", nullptr)) {}
    grpc::GenericStub stub;
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1};
    grpc::ByteBuffer response;
  };
  auto call = std::make_shared<Call>();
  call->stub.UnaryCall(&call->context, "/kith.none/None", {}, &call->request, &call->response,
                       [call, callback = std::move(callback)](const grpc::Status&) { callback(); });
}

}  // namespace

class PollerLimit::Hold {
 public:
  // Keeps the calling thread until Open.
  void Stay() {
    std::unique_lock lock(mutex_);
    if (is_open_ || std::this_thread::get_id() == starter_) return;
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
    --held_;
    changed_.notify_all();
  }

  void Pass() {
    std::lock_guard lock(mutex_);
    has_passed_ = true;
    changed_.notify_all();
  }

  void Open() {
    std::unique_lock lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return held_ == 0; });
  }

  bool AwaitHeld(int threads) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return held_ == threads; });
  }

  bool AwaitPass() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return has_passed_; });
  }

  int held() const {
    std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  const std::thread::id starter_ = std::this_thread::get_id();
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  bool has_passed_ = false;
  int held_ = 0;
};

PollerLimit::PollerLimit(int threads) : hold_(std::make_shared<Hold>()) {
  const int excess = PollersOfGrpc() - threads;
  if (excess <= 0) return;
  for (int i = 0; i < excess; ++i) {
    RunOnPoller([hold = hold_] { hold->Stay(); });
  }
  if (hold_->AwaitHeld(excess)) {
    RunOnPoller([hold = hold_] { hold->Pass(); });
    if (hold_->AwaitPass()) return;
  }
  spdlog::warn("event=pollers_not_limited wanted={} held={}", threads, hold_->held());
  hold_->Open();
}

PollerLimit::~PollerLimit() { hold_->Open(); }

int PollerLimit::ThreadsFor(int cores) { return std::max(1, cores / 2); }

int PollerLimit::held() const { return hold_->held(); }

}  // namespace kith::rpc
