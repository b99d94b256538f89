#include "cli/load/load_worker.h"

#include <sys/prctl.h>

#include <algorithm>
#include <utility>

#include "common/base/scheduling.h"

namespace kith::cli {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kLookAgain{50};

// The kernel may put off a wake-up by 50 us, to wake several threads at once, and longer while
// others compute; not this one's: what it is late counts as the server's latency.
void WakeOnTime() {
  (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  SetTurns(Turns::kShort);
}

}  // namespace

void LoadCounts::Merge(const LoadCounts& other) {
  if (kinds.empty()) {
    kinds = other.kinds;
  } else {
    for (size_t i = 0; i < kinds.size(); ++i) kinds[i].Merge(other.kinds[i]);
  }
  lag.Merge(other.lag);
  due += other.due;
  held += other.held;
  last_answer = std::max(last_answer, other.last_answer);
}

void LoadGlance::Merge(const LoadGlance& other) {
  latencies.resize(other.latencies.size());
  for (size_t i = 0; i < latencies.size(); ++i) latencies[i].Merge(other.latencies[i]);
  failed += other.failed;
  in_flight += other.in_flight;
}

LoadWorker::LoadWorker(const LoadPlan& plan, uint32_t index,
                       std::vector<LoadConnection> connections)
    : plan_(plan),
      index_(index),
      connections_(std::move(connections)),
      draw_(plan.options.mix, plan.options.seed, index),
      next_sequence_(plan.options.mix.size()),
      free_(plan.options.mix.size()) {
  const auto intervals = static_cast<size_t>(
      (plan.clock.duration + plan.interval - std::chrono::nanoseconds(1)) / plan.interval);
  counts_.kinds.assign(plan.options.mix.size(),
                       LoadTally(std::max<size_t>(1, intervals), plan.interval));
}

LoadWorker::~LoadWorker() {
  Cancel();
  Join();
}

void LoadWorker::Start() {
  receiver_ = std::thread([this] {
    WakeOnTime();
    TakeAnswers();
  });
  if (plan_.options.closed != 0) return;
  sender_ = std::thread([this] {
    WakeOnTime();
    RunSchedule();
  });
}

void LoadWorker::Join() {
  if (sender_.joinable()) sender_.join();
  if (receiver_.joinable()) receiver_.join();
}

void LoadWorker::Cancel() {
  const std::lock_guard lock(mutex_);
  cancelled_ = true;
  for (LoadCall* call : in_flight_) call->Cancel();
  place_.notify_all();
}

bool LoadWorker::finished() const {
  const std::lock_guard lock(mutex_);
  return finished_;
}

LoadCounts LoadWorker::Counts() const {
  const std::lock_guard lock(mutex_);
  return counts_;
}

LoadGlance LoadWorker::Glance() const {
  LoadGlance glance;
  const std::lock_guard lock(mutex_);
  for (const LoadTally& tally : counts_.kinds) {
    glance.latencies.push_back(tally.latency());
    glance.failed += tally.failed() + tally.unsent();
  }
  glance.in_flight = in_flight_.size();
  return glance;
}

// False where the run was given up meanwhile.
bool LoadWorker::SleepUntil(Moment moment) {
  while (true) {
    {
      const std::lock_guard lock(mutex_);
      if (cancelled_) return false;
    }
    const Moment now = steady_clock::now();
    if (now >= moment) return true;
    std::this_thread::sleep_until(std::min(moment, now + kLookAgain));
  }
}

std::optional<LoadWorker::Moment> LoadWorker::AwaitPlace(Moment due) {
  const uint64_t places = std::max(1u, plan_.options.in_flight_max / plan_.workers);
  std::unique_lock lock(mutex_);
  if (in_flight_.size() >= places) {
    if (due >= plan_.clock.counted()) ++counts_.held;
    place_.wait(lock, [&] { return cancelled_ || in_flight_.size() < places; });
    place_found_ = steady_clock::now();
  }
  if (cancelled_) return std::nullopt;
  // What was due while an earlier call was held back could not go before that one either.
  return std::max(due, place_found_);
}

LoadCall& LoadWorker::TakeFree(size_t part) {
  const std::lock_guard lock(mutex_);
  if (free_[part].empty()) {
    calls_.push_back(MakeLoadCall(plan_.options, plan_.traffic, part));
    return *calls_.back();
  }
  LoadCall* call = free_[part].back();
  free_[part].pop_back();
  return *call;
}

void LoadWorker::Launch(LoadCall& call) {
  LoadConnection& connection = connections_[next_connection_++ % connections_.size()];
  call.Arm(plan_.options.deadline);
  {
    const std::lock_guard lock(mutex_);
    call.place = in_flight_.size();
    in_flight_.push_back(&call);
    if (cancelled_) call.Cancel();
  }
  call.Send(connection, queue_);
}

void LoadWorker::SendOne(Moment due) {
  const size_t part = draw_.Next();
  LoadCall& call = TakeFree(part);
  call.Prepare(next_sequence_[part]++ * plan_.workers + index_);
  call.due = due;
  Launch(call);
}

void LoadWorker::RunSchedule() {
  Schedule schedule(
      {plan_.options.rate, plan_.options.arrivals, plan_.options.seed, plan_.workers, index_});
  const std::chrono::nanoseconds length = plan_.clock.warmup + plan_.clock.duration;
  // What was due while the server stood still may still be unsent when the time is over: it is
  // sent, because it counts, but for no longer than a call may take.
  const Moment give_up = plan_.clock.end() + plan_.options.deadline;
  for (std::chrono::nanoseconds at = schedule.Next(); at < length; at = schedule.Next()) {
    const Moment due = plan_.clock.begin + at;
    std::optional<Moment> may_go;
    if (SleepUntil(due)) may_go = AwaitPlace(due);
    if (!may_go || steady_clock::now() > give_up) {
      CountUnsent(due, schedule);
      break;
    }
    const auto lag = steady_clock::now() - *may_go;
    SendOne(due);
    if (due < plan_.clock.counted()) continue;
    const std::lock_guard lock(mutex_);
    ++counts_.due;
    counts_.lag.Add(static_cast<uint64_t>(std::max<int64_t>(0, lag.count())));
  }
  queue_.Shutdown();
}

// The rest of the schedule, up to now.
void LoadWorker::CountUnsent(Moment due, Schedule& schedule) {
  const Moment until = std::min(steady_clock::now(), plan_.clock.end());
  while (due < until) {
    if (due >= plan_.clock.counted()) {
      const std::lock_guard lock(mutex_);
      ++counts_.due;
      counts_.kinds[draw_.Next()].AddUnsent(due - plan_.clock.counted());
    }
    due = plan_.clock.begin + schedule.Next();
  }
}

void LoadWorker::SendFirstOfClosedLoop() {
  const uint32_t calls = plan_.options.closed / plan_.workers +
                         (index_ < plan_.options.closed % plan_.workers ? 1 : 0);
  for (uint32_t i = 0; i < calls; ++i) SendOne(steady_clock::now());
  if (calls == 0) queue_.Shutdown();
}

void LoadWorker::SendNextOfClosedLoop(Moment now) {
  bool more;
  bool last;
  {
    const std::lock_guard lock(mutex_);
    more = !cancelled_ && now < plan_.clock.end();
    last = in_flight_.empty();
  }
  if (more) {
    SendOne(steady_clock::now());
  } else if (last) {
    queue_.Shutdown();
  }
}

void LoadWorker::TakeAnswers() {
  if (plan_.options.closed != 0) SendFirstOfClosedLoop();
  void* tag = nullptr;
  bool ok = false;
  while (queue_.Next(&tag, &ok)) {
    const Moment now = steady_clock::now();
    Take(*static_cast<LoadCall*>(tag), now);
    if (plan_.options.closed != 0) SendNextOfClosedLoop(now);
  }
  const std::lock_guard lock(mutex_);
  finished_ = true;
}

void LoadWorker::Take(LoadCall& call, Moment now) {
  const CallOutcome outcome = call.Outcome();
  const std::lock_guard lock(mutex_);
  in_flight_[call.place] = in_flight_.back();
  in_flight_[call.place]->place = call.place;
  in_flight_.pop_back();
  const Moment counted = plan_.clock.counted();
  if (call.due >= counted && call.due < plan_.clock.end() && !cancelled_) {
    counts_.kinds[call.part].Add(outcome, call.due - counted, now - call.due);
    counts_.last_answer = std::max(counts_.last_answer, now);
    if (plan_.options.closed != 0) ++counts_.due;
  }
  free_[call.part].push_back(&call);
  place_.notify_one();
}

}  // namespace kith::cli
