#include "shard/search/fair_lanes.h"

#include <algorithm>
#include <utility>

namespace kith::shard {
namespace {

using enum SearchPriority;
// Jobs, and times its own time, that a batch job lets go first.
constexpr uint64_t kPassedOver = 7;

}  // namespace

uint64_t QueuedWork::ExpectedNs() const {
  return flow->query_ns[static_cast<size_t>(kind)] * queries;
}

uint64_t SearchFlow::WaitingNs(SearchPriority priority) const {
  const auto& queries = lanes[static_cast<size_t>(priority)].queries;
  uint64_t sum = 0;
  for (size_t kind = 0; kind < kWorkKinds; ++kind) sum += queries[kind] * query_ns[kind];
  return sum;
}

void FairLanes::Push(QueuedJob job) {
  const QueuedWork& work = job.work;
  Lane& lane = this->lane(work.priority);
  FlowLane& of_flow = work.flow->lane(work.priority);
  if (of_flow.jobs.empty()) {
    of_flow.served_ns = std::max(of_flow.served_ns, lane.now_ns);
    lane.active.push_back(work.flow);
  }
  if (work.priority == kBatch && lane.jobs == 0) passed_over_ns_ = passed_over_jobs_ = 0;
  of_flow.queries[static_cast<size_t>(work.kind)] += work.queries;
  ++lane.jobs;
  of_flow.jobs.push_back(std::move(job));
}

bool FairLanes::IsTurnOfBatch() const {
  if (jobs(kBatch) == 0) return false;
  if (jobs(kInteractive) == 0) return true;
  return passed_over_jobs_ >= kPassedOver &&
         passed_over_ns_ >= kPassedOver * WaitingNs(kBatch) / jobs(kBatch);
}

std::optional<QueuedJob> FairLanes::Pop() {
  if (IsTurnOfBatch()) {
    passed_over_ns_ = passed_over_jobs_ = 0;
    return Take(kBatch);
  }
  if (jobs(kInteractive) == 0) return std::nullopt;
  QueuedJob job = Take(kInteractive);
  passed_over_ns_ += job.charged_ns;
  ++passed_over_jobs_;
  return job;
}

QueuedJob FairLanes::Take(SearchPriority priority) {
  Lane& lane = this->lane(priority);
  const auto next =
      std::min_element(lane.active.begin(), lane.active.end(), [&](const auto& a, const auto& b) {
        return a->lane(priority).served_ns < b->lane(priority).served_ns;
      });
  FlowLane& of_flow = (*next)->lane(priority);
  QueuedJob job = std::move(of_flow.jobs.front());
  of_flow.jobs.pop_front();
  of_flow.queries[static_cast<size_t>(job.work.kind)] -= job.work.queries;
  --lane.jobs;
  job.charged_ns = std::max<uint64_t>(1, job.work.ExpectedNs());  // flows take turns all the same
  lane.now_ns = std::max(lane.now_ns, of_flow.served_ns);
  of_flow.served_ns += job.charged_ns;
  if (of_flow.jobs.empty()) lane.active.erase(next);
  return job;
}

void FairLanes::Settle(const QueuedJob& job, uint64_t took_ns) {
  uint64_t& served_ns = job.work.flow->lane(job.work.priority).served_ns;
  served_ns += took_ns;
  served_ns -= std::min(served_ns, job.charged_ns);
}

uint64_t FairLanes::WaitingNs(SearchPriority priority) const {
  uint64_t sum = 0;
  for (const auto& flow : lane(priority).active) sum += flow->WaitingNs(priority);
  return sum;
}

}  // namespace kith::shard
