#include "common/rpc/poller_limit.h"

#include <grpc/support/cpu.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <list>
#include <memory>
#include <mutex>
#include <thread>

#include "common/telemetry/log.h"

namespace kith::rpc {
namespace {

constexpr std::chrono::seconds kPatience{2};

// What gRPC has (CompletionQueue::CallbackAlternativeCQ).
int PollersOfGrpc() { return std::clamp(static_cast<int>(gpr_cpu_num_cores()) / 2, 2, 16); }

}  // namespace

// Callbacks on gRPC's polling threads: ends of calls that fail at once, since the channel has no
// credentials. No socket is opened. The last reference to the channel must not go on one of those
// threads, which gRPC would then join with itself: it and the calls are members.
class PollerLimit::Hold {
 public:
  ~Hold() { Open(); }

  // Keeps `threads` of them; false where that many do not come.
  bool Keep(int threads) {
    for (int i = 0; i < threads; ++i) Run(&Hold::Stay);
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [&] { return held_ == threads; });
  }

  // Whether one comes that is not kept.
  bool OneGoesOn() {
    Run(&Hold::Pass);
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, kPatience, [this] { return has_passed_; });
  }

  // Again: nothing.
  void Open() {
    std::unique_lock lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return running_ == 0; });
  }

  int held() const {
    std::lock_guard lock(mutex_);
    return held_;
  }

 private:
  struct Call {
    grpc::ClientContext context;
    grpc::Slice nothing;
    grpc::ByteBuffer request{&nothing, 1};
    grpc::ByteBuffer response;
  };
  using Step = void (Hold::*)(std::unique_lock<std::mutex>& lock);

  void Run(Step step) {
    {
      std::lock_guard lock(mutex_);
      ++running_;
    }
    Call& call = calls_.emplace_back();
    stub_.UnaryCall(&call.context, "/kith.none/None", {}, &call.request, &call.response,
                    [this, step](const grpc::Status&) {
                      std::unique_lock lock(mutex_);
                      (this->*step)(lock);
                      --running_;
                      changed_.notify_all();
                    });
  }

  void Stay(std::unique_lock<std::mutex>& lock) {
    if (std::this_thread::get_id() == starter_) return;
    ++held_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
    --held_;
  }

  void Pass(std::unique_lock<std::mutex>&) { has_passed_ = true; }

  const std::thread::id starter_ = std::this_thread::get_id();
  grpc::GenericStub stub_{grpc::CreateChannel("", nullptr)};
  std::list<Call> calls_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool is_open_ = false;
  bool has_passed_ = false;
  int held_ = 0;
  int running_ = 0;  // callbacks that have not ended
};

PollerLimit::PollerLimit(int threads) : hold_(std::make_unique<Hold>()) {
  const int excess = PollersOfGrpc() - threads;
  if (excess <= 0 || (hold_->Keep(excess) && hold_->OneGoesOn())) return;
  spdlog::warn("event=pollers_not_limited wanted={} held={}", threads, hold_->held());
  hold_->Open();
}

PollerLimit::~PollerLimit() = default;

int PollerLimit::ThreadsFor(int cores) { return std::max(1, cores / 2); }

int PollerLimit::held() const { return hold_->held(); }

}  // namespace kith::rpc
