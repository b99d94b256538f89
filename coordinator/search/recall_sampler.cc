#include "coordinator/search/recall_sampler.h"

#include <algorithm>
#include <condition_variable>
#include <set>
#include <string_view>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/search_reply.h"

namespace kith::coordinator {
namespace {

// How soon a wait for a silent shard sees that the process stops.
constexpr std::chrono::milliseconds kStopPoll{100};

// splitmix64 (Steele, Lea, Flood; OOPSLA 2014): a running number gives a number by chance.
uint64_t Mix(uint64_t x) {
  x += 0x9e3779b97f4a7c15;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

bool IsOfTheKind(const AnsweredSearch& search) {
  return !search.plan.is_flat && !search.plan.call.score_bound.has_value() &&
         !search.plan.call.after.has_value() && search.plan.call.filter == nullptr &&
         search.answer.coverage.ratio >= 1 && search.answer.degraded.empty();
}

RecallDepth DepthOf(const SearchParameters& p) {
  const bool is_named = p.nprobe.has_value() || p.target_recall.has_value() ||
                        p.refine.has_value() || p.rerank.has_value();
  return is_named ? RecallDepth::kRequest : RecallDepth::kCollection;
}

// The keys of one query of a batch.
std::string KeysOf(const HitColumns& hits, uint32_t query, uint32_t depth) {
  size_t first = 0;
  for (uint32_t q = 0; q < query; ++q) first += hits.counts[q];
  const size_t count = std::min(hits.counts[query], depth);
  return hits.keys.substr(first * PointKey::kSize, count * PointKey::kSize);
}

std::set<std::string_view> Split(std::string_view keys) {
  std::set<std::string_view> split;
  for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
    split.insert(keys.substr(at, PointKey::kSize));
  }
  return split;
}

RecallSample CompareKeys(std::string_view found, std::string_view truth) {
  const std::set<std::string_view> have = Split(found);
  RecallSample sample;
  for (const std::string_view key : Split(truth)) {
    ++sample.wanted;
    sample.found += have.contains(key) ? 1 : 0;
  }
  return sample;
}

}  // namespace

// One query of an answered search, with what it found.
struct RecallSampler::Sample {
  std::shared_ptr<const SearchPlan> plan;  // of the exact search
  SearchQuery query;                       // likewise
  std::string vector;
  std::string keys;     // that were found
  std::string version;  // under which
  RecallDepth depth = RecallDepth::kCollection;
  Deadline answered;
};

// Where the replies of one exact search arrive. It outlives the sampler where a shard is late.
struct RecallSampler::Exact {
  std::mutex mutex;
  std::condition_variable arrived;
  std::optional<Replies<SearchReply>> replies;
};

RecallSampler::RecallSampler(const ClusterMap& map, DeadlineTimer& timer, const Clock& clock,
                             RecallSamplerOptions options)
    : map_(map),
      timer_(timer),
      clock_(clock),
      options_(options),
      pool_({"kith-recall", 1, kRecallQueueMax, 19}) {}

void RecallSampler::Stop() {
  stopping_ = true;
  pool_.Stop();
}

// The first of the next `queries` whose number is drawn.
std::optional<uint32_t> RecallSampler::Choose(uint32_t queries) {
  const uint64_t first = queries_.fetch_add(queries, std::memory_order_relaxed);
  for (uint32_t i = 0; i < queries; ++i) {
    if (Mix(options_.seed + first + i) % options_.one_in == 0) return i;
  }
  return std::nullopt;
}

std::optional<RecallDrop> RecallSampler::WhyNot(const AnsweredSearch& search) {
  const Deadline now = clock_.Now();
  if (std::chrono::nanoseconds(search.queue_ns) > kRecallQueuedMax ||
      timer_.pending() > kRecallCallsInFlightMax) {
    return RecallDrop::kOverload;
  }
  // A search that took more than half of its time shows a cluster that is slower than is hoped for.
  const Deadline deadline = search.query.deadline.value_or(Deadline::max());
  if (deadline - now < now - search.started) return RecallDrop::kDeadline;
  return TakeTurn(now) ? std::nullopt : std::optional(RecallDrop::kRate);
}

bool RecallSampler::TakeTurn(Deadline now) {
  const auto apart = std::chrono::nanoseconds(std::chrono::seconds(1)) /
                     std::max<uint64_t>(1, options_.per_second_max);
  std::lock_guard lock(mutex_);
  if (now < next_turn_) return false;
  next_turn_ = now + std::chrono::duration_cast<Deadline::duration>(apart);
  return true;
}

void RecallSampler::Offer(const AnsweredSearch& search) {
  if (options_.one_in == 0 || !IsOfTheKind(search)) return;
  const std::optional<uint32_t> chosen = Choose(search.plan.call.count);
  if (!chosen.has_value()) return;
  if (const auto why = WhyNot(search); why.has_value()) return Drop(*why);
  auto sample = std::make_shared<Sample>();
  const uint32_t depth = std::min(search.plan.limit, kRecallDepthMax);
  auto plan = std::make_shared<SearchPlan>(search.plan);
  plan->call.exact = true;
  plan->call.priority = SearchPriority::kBackground;
  plan->call.index_version.clear();
  plan->call.count = 1;
  plan->limit = depth;
  plan->call.limit = depth + static_cast<uint32_t>(plan->leave_out.size());
  plan->is_flat = true;
  sample->plan = std::move(plan);
  const size_t bytes = search.vectors.size() / search.plan.call.count;
  sample->vector = search.vectors.substr(*chosen * bytes, bytes);
  sample->keys = KeysOf(search.answer.hits, *chosen, depth);
  sample->version = search.answer.index_version;
  sample->depth = DepthOf(search.query.parameters);
  sample->answered = clock_.Now();
  pending_.fetch_add(1, std::memory_order_acq_rel);
  const bool posted = pool_.Post([this, sample] {
    Compare(*sample);
    pending_.fetch_sub(1, std::memory_order_acq_rel);
  });
  if (posted) return;
  pending_.fetch_sub(1, std::memory_order_acq_rel);
  Drop(RecallDrop::kQueue);
}

void RecallSampler::Compare(const Sample& sample) {
  const Deadline begun = clock_.Now();
  if (stopping_) return;
  if (begun - sample.answered > kRecallAgeMax) return Drop(RecallDrop::kStale);
  if (timer_.pending() > kRecallCallsInFlightMax) return Drop(RecallDrop::kOverload);
  const absl::StatusOr<SearchAnswer> truth = AskExactly(sample);
  const Deadline ended = clock_.Now();
  {
    std::lock_guard lock(mutex_);
    next_turn_ = std::max(next_turn_, ended + (ended - begun) * kRecallRest);
  }
  if (!truth.ok()) return Drop(RecallDrop::kFailed);
  const RecallSample found = CompareKeys(sample.keys, truth->hits.keys);
  if (found.wanted != 0) Keep(sample, found);
}

absl::StatusOr<SearchAnswer> RecallSampler::AskExactly(const Sample& sample) {
  const auto& routes = sample.plan->entry->routes;
  const Deadline deadline = clock_.Now() + kRecallDeadline;
  const GatherLimits limits{timer_, deadline,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "the shard did not answer in time")};
  const auto exact = std::make_shared<Exact>();
  ScatterGather<SearchReply>(
      routes.size(), limits,
      [&](size_t i, Done<SearchReply> done) {
        routes[i]->service->Search(sample.plan->CallFor(i, sample.vector), deadline,
                                   std::move(done));
      },
      [exact](Replies<SearchReply> replies) {
        {
          std::lock_guard lock(exact->mutex);
          exact->replies = std::move(replies);
        }
        exact->arrived.notify_all();
      });
  std::unique_lock lock(exact->mutex);
  const auto is_there = [&] { return exact->replies.has_value(); };
  while (!exact->arrived.wait_for(lock, kStopPoll, is_there)) {
    if (stopping_) return absl::CancelledError("the process stops");
  }
  return MakeAnswer(*sample.plan, sample.query, *exact->replies);
}

void RecallSampler::Keep(const Sample& sample, RecallSample found) {
  const CollectionRecord& record = sample.plan->entry->record;
  std::lock_guard lock(mutex_);
  // What is gone leaves no window behind.
  std::erase_if(windows_, [&](const auto& window) { return !map_.Find(window.first.first).ok(); });
  const std::pair key(record.name, sample.depth);
  auto window = windows_.find(key);
  const bool is_new = window == windows_.end() ||
                      window->second.incarnation != record.incarnation ||
                      window->second.version != sample.version;
  if (is_new) {
    if (window != windows_.end()) windows_.erase(window);
    window =
        windows_
            .emplace(key, Window{record.incarnation, sample.version, RecallWindow(options_.window)})
            .first;
  }
  window->second.samples.Add(found);
  samples_.fetch_add(1, std::memory_order_relaxed);
}

std::vector<RecallReading> RecallSampler::readings() const {
  std::vector<RecallReading> readings;
  std::lock_guard lock(mutex_);
  for (const auto& [key, window] : windows_) {
    const auto entry = map_.Find(key.first);
    if (!entry.ok() || (*entry)->record.incarnation != window.incarnation ||
        (*entry)->record.serving_version != window.version) {
      continue;
    }
    readings.push_back({key.first, key.second, window.samples.Estimate()});
  }
  return readings;
}

}  // namespace kith::coordinator
