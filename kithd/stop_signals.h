#ifndef KITH_KITHD_STOP_SIGNALS_H_
#define KITH_KITHD_STOP_SIGNALS_H_

#include <signal.h>

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

namespace kith::kithd {

// SIGTERM, SIGINT and SIGHUP, told to the process in its own time. A thread of its own waits for
// them, so that one that comes while the data is being opened, or a second one while the process
// stops, ends it at once with exit code 1: whatever is acknowledged is on disk, as after a crash.
//
// Threads: one at a time. Make it before any other thread; they inherit the blocked signals.
class StopSignals {
 public:
  // What SIGHUP is: the end of the terminal, or a word that files have changed. Those are looked at
  // many times a second in any case, so the word is only logged.
  enum class Hangup { kStops, kIsNoticed };
  explicit StopSignals(Hangup hangup);
  ~StopSignals();
  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // From now on a signal is no longer the end but what WaitFor answers.
  void StartIsOver();
  // The signal, where one came within `period`.
  std::optional<int> WaitFor(std::chrono::milliseconds period);
  // Ends the process with exit code 1 where it has not ended by itself within `span`.
  void LimitStop(std::chrono::seconds span);

 private:
  using Moment = std::chrono::steady_clock::time_point;
  enum class Stage { kStarting, kRunning, kStopping };

  void Watch();
  void Take(int signal);

  const Hangup hangup_;
  sigset_t signals_{};
  std::mutex mutex_;
  std::condition_variable came_;
  Stage stage_ = Stage::kStarting;  // with mutex_ held, as what follows
  std::optional<int> signal_;
  std::optional<Moment> end_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_STOP_SIGNALS_H_
