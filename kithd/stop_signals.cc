#include "kithd/stop_signals.h"

#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/telemetry/log.h"

namespace kith::kithd {
namespace {

constexpr int kAtOnce = 1;
constexpr timespec kLookEvery = {0, 100'000'000};

[[noreturn]] void EndNow() {
  spdlog::default_logger()->flush();
  _exit(kAtOnce);
}

}  // namespace

StopSignals::StopSignals(Hangup hangup) : hangup_(hangup) {
  signal(SIGPIPE, SIG_IGN);
  sigemptyset(&signals_);
  for (const int one : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals_, one);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  thread_ = std::thread([this] { Watch(); });
}

StopSignals::~StopSignals() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  thread_.join();
}

void StopSignals::StartIsOver() {
  std::lock_guard lock(mutex_);
  stage_ = Stage::kRunning;
}

std::optional<int> StopSignals::WaitFor(std::chrono::milliseconds period) {
  std::unique_lock lock(mutex_);
  came_.wait_for(lock, period, [this] { return signal_.has_value(); });
  return signal_;
}

void StopSignals::LimitStop(std::chrono::seconds span) {
  std::lock_guard lock(mutex_);
  end_ = std::chrono::steady_clock::now() + span;
}

void StopSignals::Watch() {
  pthread_setname_np(pthread_self(), "kithd-signals");
  while (true) {
    const int received = sigtimedwait(&signals_, nullptr, &kLookEvery);
    std::lock_guard lock(mutex_);
    if (ended_) return;
    if (received > 0) Take(received);
    if (end_.has_value() && std::chrono::steady_clock::now() > *end_) {
      spdlog::error("event=stop_overdue text=\"ends now, without the rest of the stop\"");
      EndNow();
    }
  }
}

void StopSignals::Take(int received) {
  if (received == SIGHUP && hangup_ == Hangup::kIsNoticed) {
    spdlog::info("event=hangup text=\"keys and certificates that have changed are read again\"");
    return;
  }
  if (stage_ == Stage::kRunning) {
    stage_ = Stage::kStopping;
    signal_ = received;
    came_.notify_all();
    return;
  }
  spdlog::warn("event=stop signal={} stage={} text=\"ends at once\"",
               telemetry::LogValue(strsignal(received)),
               stage_ == Stage::kStarting ? "starting" : "stopping");
  EndNow();
}

}  // namespace kith::kithd
