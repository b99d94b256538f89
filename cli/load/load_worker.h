#ifndef KITH_CLI_LOAD_LOAD_WORKER_H_
#define KITH_CLI_LOAD_LOAD_WORKER_H_

#include <grpcpp/completion_queue.h>

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "cli/load/histogram.h"
#include "cli/load/load_call.h"
#include "cli/load/load_tally.h"
#include "cli/load/mix.h"
#include "cli/load/schedule.h"

namespace kith::cli {

// What one worker saw, or all of them together.
struct LoadCounts {
  std::vector<LoadTally> kinds;  // one a part of the mix
  Histogram lag;      // from when a call was due, and could go, until it went: the client's own
  uint64_t due = 0;   // calls that the schedule asked for, after the warm-up
  uint64_t held = 0;  // of them those that waited because too many were in flight
  std::chrono::steady_clock::time_point last_answer;  // of those counted
  void Merge(const LoadCounts& other);
};

// What a live display shows: a look that hardly holds up the worker.
struct LoadGlance {
  std::vector<Histogram> latencies;  // one a part of the mix
  uint64_t failed = 0;
  uint64_t in_flight = 0;
  void Merge(const LoadGlance& other);
};

// The stretch of time that a run counts.
struct LoadClock {
  std::chrono::steady_clock::time_point begin;  // of the warm-up
  std::chrono::nanoseconds warmup{};
  std::chrono::nanoseconds duration{};
  std::chrono::steady_clock::time_point counted() const { return begin + warmup; }
  std::chrono::steady_clock::time_point end() const { return begin + warmup + duration; }
};

// What a worker is given; all of it outlives it.
struct LoadPlan {
  const LoadOptions& options;
  const LoadTraffic& traffic;
  LoadClock clock;
  std::chrono::nanoseconds interval{};  // of the series
  uint32_t workers = 1;
};

// A part of the load: connections of its own, a thread that sends what is due and one that takes
// the answers, so that neither waits for the other. In a closed loop the taker sends.
// Threads: the public calls one at a time.
class LoadWorker {
 public:
  LoadWorker(const LoadPlan& plan, uint32_t index, std::vector<LoadConnection> connections);
  ~LoadWorker();

  void Start();
  void Cancel();  // sends nothing more and cancels what is in flight
  void Join();
  bool finished() const;
  LoadGlance Glance() const;
  LoadCounts Counts() const;  // once finished: the copy takes long

 private:
  using Moment = std::chrono::steady_clock::time_point;

  void RunSchedule();
  void SendFirstOfClosedLoop();
  void SendNextOfClosedLoop(Moment now);
  void SendOne(Moment due);
  void TakeAnswers();
  void Take(LoadCall& call, Moment now);
  bool SleepUntil(Moment moment);
  // When a call may go that was due then; never where the run was given up.
  std::optional<Moment> AwaitPlace(Moment due);
  LoadCall& TakeFree(size_t part);
  void Launch(LoadCall& call);
  void CountUnsent(Moment due, Schedule& schedule);

  const LoadPlan plan_;
  const uint32_t index_;
  std::vector<LoadConnection> connections_;
  grpc::CompletionQueue queue_;
  std::thread sender_;
  std::thread receiver_;

  // Of whoever sends: the sender, or in a closed loop the receiver.
  Moment place_found_;  // when the last call that was held back could go
  MixDraw draw_;
  std::vector<uint64_t> next_sequence_;  // by part
  size_t next_connection_ = 0;

  mutable std::mutex mutex_;
  std::condition_variable place_;
  std::vector<std::unique_ptr<LoadCall>> calls_;
  std::vector<std::vector<LoadCall*>> free_;  // by part
  std::vector<LoadCall*> in_flight_;
  LoadCounts counts_;
  bool cancelled_ = false;
  bool finished_ = false;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LOAD_WORKER_H_
