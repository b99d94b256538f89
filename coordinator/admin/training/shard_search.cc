#include "coordinator/admin/training/shard_search.h"

#include <algorithm>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/hit_merge.h"
#include "coordinator/search/search_throttle.h"
#include "coordinator/search/vector_input.h"

namespace kith::coordinator {
namespace {

constexpr uint32_t kNeighbours = 10;
constexpr uint32_t kBatchMax = 16;  // queries a call: fair to the searches of users
// Numbers a call may compare, points x dimension x queries: a few seconds, far from its deadline.
constexpr uint64_t kElementsMax = 20'000'000'000;
constexpr uint32_t kCallsInFlight = 4;  // a shard, so that all its threads have work

// Replies of the calls of one round; outlives the round where a reply comes too late.
class Round {
 public:
  explicit Round(size_t calls)
      : replies_(calls, absl::DeadlineExceededError("no reply")), missing_(calls) {}

  void Take(size_t call, absl::StatusOr<SearchReply> reply) {
    std::lock_guard lock(mutex_);
    replies_[call] = std::move(reply);
    if (--missing_ == 0) wake_.notify_all();
  }

  // Waits for all of them; a service answers every call by its deadline.
  std::vector<absl::StatusOr<SearchReply>> Wait() {
    std::unique_lock lock(mutex_);
    wake_.wait(lock, [this] { return missing_ == 0; });
    return std::move(replies_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<absl::StatusOr<SearchReply>> replies_;
  size_t missing_;
};

absl::Status CheckComplete(const SearchReply& reply, const SearchCall& call) {
  KITH_RETURN_IF_ERROR(CheckReply(reply, call));
  if (reply.codes_done == reply.codes_planned) return absl::OkStatus();
  return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
               "a calibration search did not end in time: train again when there is less load");
}

void TakeNeighbours(const HitColumns& hits, const QuerySet& queries, uint32_t first,
                    NeighbourSets& sets) {
  size_t at = 0;
  for (size_t q = 0; q < hits.counts.size(); ++q) {
    std::vector<std::string> keys;
    for (uint32_t i = 0; i < hits.counts[q]; ++i, ++at) {
      std::string key = hits.keys.substr(at * PointKey::kSize, PointKey::kSize);
      if (key != queries.keys[first + q] && keys.size() < kNeighbours) {
        keys.push_back(std::move(key));
      }
    }
    sets.keys.push_back(std::move(keys));
  }
}

class ShardSearch {
 public:
  ShardSearch(const TrainingRun& run, const QuerySet& queries, const SearchCall& prototype)
      : run_(run), queries_(queries), prototype_(prototype) {
    const VectorShape shape = ShapeOf(run.record);
    query_bytes_ = shape.query_bytes();
    const uint64_t a_query =
        std::max<uint64_t>(1, run.plan.points * shape.dimension / run.record.shards.size());
    batch_ = static_cast<uint32_t>(std::clamp<uint64_t>(kElementsMax / a_query, 1, kBatchMax));
  }

  absl::StatusOr<NeighbourSets> Run() {
    const uint32_t step = batch_ * kCallsInFlight;
    for (uint32_t begin = 0; begin < queries_.count; begin += step) {
      KITH_RETURN_IF_ERROR(RunRound(begin, std::min(queries_.count, begin + step)));
    }
    return std::move(sets_);
  }

 private:
  SearchCall CallFor(ShardId shard, uint32_t first, uint32_t end) const {
    SearchCall call = prototype_;
    call.shard = shard;
    call.incarnation = run_.record.incarnation;
    call.limit = kNeighbours + 1;  // one of them is the query itself
    call.priority = SearchPriority::kBatch;
    call.count = end - first;
    call.queries = queries_.vectors.substr(first * query_bytes_, call.count * query_bytes_);
    return call;
  }

  absl::Status RunRound(uint32_t begin, uint32_t end) {
    for (int attempt = 1;; ++attempt) {
      KITH_RETURN_IF_ERROR(run_.operation.Check());
      const absl::Status status = TryRound(begin, end);
      const bool busy = absl::IsUnavailable(status) || IsOverload(status);
      if (!busy || attempt >= run_.timing().attempts) return status;
      KITH_RETURN_IF_ERROR(run_.operation.Pause(run_.timing().retry_pause));
    }
  }

  absl::Status TryRound(uint32_t begin, uint32_t end) {
    const size_t shards = run_.record.shards.size();
    std::vector<SearchCall> calls;
    for (uint32_t first = begin; first < end; first += batch_) {
      for (const ShardPlacement& placement : run_.record.shards) {
        calls.push_back(CallFor(placement.shard, first, std::min(end, first + batch_)));
      }
    }
    KITH_ASSIGN_OR_RETURN(std::vector<SearchReply> replies, Send(calls));
    uint64_t live_points = 0;
    for (size_t i = 0; i < shards; ++i) live_points += replies[i].live_points;
    sets_.live_points = live_points;
    uint32_t first = begin;
    for (size_t i = 0; i < replies.size(); i += shards) {
      Merge({replies.begin() + static_cast<ptrdiff_t>(i),
             replies.begin() + static_cast<ptrdiff_t>(i + shards)},
            first);
      first += batch_;
    }
    return absl::OkStatus();
  }

  absl::StatusOr<std::vector<SearchReply>> Send(const std::vector<SearchCall>& calls) {
    auto round = std::make_shared<Round>(calls.size());
    const Deadline deadline = run_.context().LongDeadline();
    for (size_t i = 0; i < calls.size(); ++i) {
      const auto service = run_.catalog.Node(PlacementOf(i).node);
      if (!service.ok()) {
        round->Take(i, service.status());
        continue;
      }
      (*service)->Search(calls[i], deadline, [round, i](absl::StatusOr<SearchReply> reply) {
        round->Take(i, std::move(reply));
      });
    }
    std::vector<SearchReply> replies;
    std::vector<absl::StatusOr<SearchReply>> results = round->Wait();
    for (size_t i = 0; i < results.size(); ++i) {
      KITH_RETURN_IF_ERROR(AtShard(results[i].status(), PlacementOf(i)));
      KITH_RETURN_IF_ERROR(AtShard(CheckComplete(*results[i], calls[i]), PlacementOf(i)));
      replies.push_back(*std::move(results[i]));
    }
    return replies;
  }

  const ShardPlacement& PlacementOf(size_t call) const {
    return run_.record.shards[call % run_.record.shards.size()];
  }

  void Merge(std::vector<SearchReply> replies, uint32_t first) {
    MergeOptions options;
    options.metric = run_.record.metric;
    options.count = static_cast<uint32_t>(replies.front().counts.size());
    options.limit = kNeighbours + 1;
    std::vector<SearchReply*> parts;
    for (SearchReply& reply : replies) {
      sets_.rows_compared += reply.work.rows_scanned + reply.work.rows_exact;
      parts.push_back(&reply);
    }
    TakeNeighbours(MergeHits(std::move(parts), options), queries_, first, sets_);
  }

  const TrainingRun& run_;
  const QuerySet& queries_;
  const SearchCall& prototype_;
  size_t query_bytes_ = 0;
  uint32_t batch_ = 1;
  NeighbourSets sets_;
};

}  // namespace

absl::StatusOr<NeighbourSets> SearchShards(const TrainingRun& run, const QuerySet& queries,
                                           const SearchCall& prototype) {
  return ShardSearch(run, queries, prototype).Run();
}

}  // namespace kith::coordinator
