#include "shard/search/search_queue.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

using enum SearchPriority;
// While interactive searches stand in the queue, batch ones get an eighth of the time.
constexpr uint64_t kBatchSlowdown = 8;
constexpr uint64_t kAverageOf = 8;  // calls, about
constexpr milliseconds kRetryMin{20};
constexpr milliseconds kRetryMax{1000};

// One that took far longer stood still, as likely as not, and says little of the next ones.
uint64_t Average(uint64_t before, uint64_t next) {
  next = std::max<uint64_t>(1, next);
  if (before == 0) return next;
  return (before * (kAverageOf - 1) + std::min(next, 2 * before)) / kAverageOf;
}

}  // namespace

const char* QueueRefusalName(QueueRefusal refusal) {
  switch (refusal) {
    case QueueRefusal::kFull:
      return "full";
    case QueueRefusal::kWait:
      return "wait";
    case QueueRefusal::kDeadline:
      return "deadline";
    case QueueRefusal::kExpired:
      return "expired";
  }
  return "";
}

std::shared_ptr<SearchFlow> SearchQueue::FlowOf(const Uuid& collection) {
  std::lock_guard lock(mutex_);
  std::erase_if(flows_, [](const auto& entry) { return entry.second.expired(); });
  std::weak_ptr<SearchFlow>& known = flows_[std::string(collection.view())];
  std::shared_ptr<SearchFlow> flow = known.lock();
  if (flow == nullptr) known = flow = std::make_shared<SearchFlow>();
  return flow;
}

absl::Status SearchQueue::Admit(const QueuedWork& call) {
  const Deadline now = clock_.Now();
  std::lock_guard lock(mutex_);
  if (now >= call.deadline) {
    ++refusals_[static_cast<size_t>(QueueRefusal::kExpired)];
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                 "the deadline had passed when the call came");
  }
  if (call.priority == kBackground) {
    const bool is_full = background_.queued() >= options_.background_max;
    return is_full ? Refuse(QueueRefusal::kFull, kRetryMax) : absl::OkStatus();
  }
  const Span wait = ExpectedWait(call, now);
  if (IsFull(call)) return Refuse(QueueRefusal::kFull, wait);
  const Span service = ServiceOf(call);
  const bool is_search = call.kind != WorkKind::kRead;
  if (call.priority == kInteractive && is_search) {
    last_service_ = service;
    if (wait > patience_.Allowed(now, service)) return Refuse(QueueRefusal::kWait, wait);
  }
  if (wait > Span::zero() && wait + service > call.deadline - now) {
    return Refuse(QueueRefusal::kDeadline, wait);
  }
  return absl::OkStatus();
}

bool SearchQueue::IsFull(const QueuedWork& call) const {
  const size_t waiting = lanes_.jobs(kInteractive) + lanes_.jobs(kBatch);
  if (waiting >= options_.jobs_max) return true;
  const size_t free_for_all = options_.jobs_max / 2;
  if (waiting < free_for_all) return false;
  const size_t flows = std::max(lanes_.flows(kInteractive), lanes_.flows(kBatch));
  const size_t own =
      call.flow->lane(kInteractive).jobs.size() + call.flow->lane(kBatch).jobs.size();
  return own >= free_for_all / std::max<size_t>(1, flows);
}

// Until its turn. A flow waits for no more than all the others' as much as its own.
SearchQueue::Span SearchQueue::ExpectedWait(const QueuedWork& call, Deadline now) const {
  const uint64_t in_lane = std::min(
      lanes_.WaitingNs(call.priority),
      call.flow->WaitingNs(call.priority) * std::max<size_t>(1, lanes_.flows(call.priority)));
  uint64_t ahead = in_lane;
  if (call.priority == kBatch) {
    ahead = patience_.IsStanding(now) ? in_lane * kBatchSlowdown
                                      : in_lane + lanes_.WaitingNs(kInteractive);
  }
  return Span(static_cast<int64_t>(ahead / std::max<size_t>(1, pool_.threads())));
}

SearchQueue::Span SearchQueue::ServiceOf(const QueuedWork& call) const {
  const uint64_t at_once = std::clamp<uint64_t>(call.queries, 1, pool_.threads());
  return Span(static_cast<int64_t>(call.ExpectedNs() / at_once));
}

absl::Status SearchQueue::Refuse(QueueRefusal why, Span wait) {
  ++refusals_[static_cast<size_t>(why)];
  const auto wait_ms = std::clamp(duration_cast<milliseconds>(wait), kRetryMin, kRetryMax);
  const bool is_full = why == QueueRefusal::kFull;
  return Error(absl::StatusCode::kResourceExhausted,
               is_full ? reason::kQueueFull : reason::kOverloaded,
               is_full ? "too many calls wait at this node; retry later"
               : why == QueueRefusal::kWait
                   ? "more searches come than this node can answer soon; retry later"
                   : "this node could not answer before the deadline; retry later, or allow more "
                     "time",
               {{kRetryAfterMsFact, std::to_string(wait_ms.count())}});
}

void SearchQueue::Push(const QueuedWork& work, absl::AnyInvocable<void(Turn)> run) {
  if (work.priority == kBackground) return RunInBackground(work, std::move(run));
  {
    const Deadline now = clock_.Now();
    std::lock_guard lock(mutex_);
    lanes_.Push({work, std::move(run), 0});
    if (lanes_.jobs(kInteractive) > 0) patience_.NoteWaiting(now);
  }
  pool_.PostAlways([this] { RunNext(); });  // one task a job: each finds one
}

void SearchQueue::RunInBackground(const QueuedWork& work, absl::AnyInvocable<void(Turn)> run) {
  background_.PostAlways([this, deadline = work.deadline, run = std::move(run)]() mutable {
    const bool is_late = clock_.Now() >= deadline;
    run(is_late ? Turn::kExpired : Turn::kRun);
    if (!is_late) return;
    std::lock_guard lock(mutex_);
    ++refusals_[static_cast<size_t>(QueueRefusal::kExpired)];
  });
}

void SearchQueue::RunNext() {
  std::optional<QueuedJob> job;
  const Deadline begun = clock_.Now();
  {
    std::lock_guard lock(mutex_);
    job = lanes_.Pop();
    if (!job.has_value()) return;
    if (lanes_.jobs(kInteractive) == 0) patience_.NoteEmpty(begun);
  }
  const bool is_late = begun >= job->work.deadline;
  job->run(is_late ? Turn::kExpired : Turn::kRun);
  job->run = nullptr;  // what it holds may end with it
  const auto took = static_cast<uint64_t>(
      std::max<int64_t>(0, duration_cast<Span>(clock_.Now() - begun).count()));
  std::lock_guard lock(mutex_);
  lanes_.Settle(*job, took);
  if (is_late) {
    ++refusals_[static_cast<size_t>(QueueRefusal::kExpired)];
    return;
  }
  uint64_t& average = job->work.flow->query_ns[static_cast<size_t>(job->work.kind)];
  average = Average(average, took / std::max(1u, job->work.queries));
}

SearchQueueFigures SearchQueue::figures() const {
  const Deadline now = clock_.Now();
  std::lock_guard lock(mutex_);
  SearchQueueFigures figures;
  const auto threads = std::max<uint64_t>(1, pool_.threads());
  figures.jobs = {lanes_.jobs(kInteractive), lanes_.jobs(kBatch)};
  figures.wait_ns = lanes_.WaitingNs(kInteractive) / threads;
  figures.is_standing = lanes_.jobs(kInteractive) > 0 && patience_.IsStanding(now);
  figures.refusals = refusals_;
  const Span allowed = patience_.Allowed(now, last_service_);
  figures.searches_max = options_.jobs_max + threads;
  if (last_service_ > Span::zero() && allowed != Span::max()) {
    const auto waiting = static_cast<uint64_t>(allowed / last_service_) * threads;
    figures.searches_max = std::min(figures.searches_max, waiting + threads);
  }
  return figures;
}

}  // namespace kith::shard
