#include "coordinator/write/get_service.h"

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/vector_input.h"
#include "coordinator/write/point_deadline.h"

namespace kith::coordinator {
namespace {

absl::Status CheckGet(const GetPointsCall& call, const CollectionRecord& record) {
  if (call.keys.size() > limits::kPointsPerCallMax) {
    return FieldError("ids", reason::kBatchTooLarge,
                      fmt::format("{} ids in one call, at most {} are taken; ask in several calls",
                                  call.keys.size(), limits::kPointsPerCallMax));
  }
  const size_t bytes = ShapeOf(record).stored_bytes();
  if (call.with_vector && call.keys.size() * bytes > limits::kMessageBytesMax / 2) {
    return FieldError("ids", reason::kBatchTooLarge,
                      fmt::format("{} vectors of {} bytes do not fit an answer; ask for at most {}",
                                  call.keys.size(), bytes, limits::kMessageBytesMax / 2 / bytes));
  }
  return absl::OkStatus();
}

absl::StatusOr<uint64_t> Sum(const CollectionEntry& entry, const Replies<ShardStat>& stats) {
  uint64_t count = 0;
  for (size_t i = 0; i < stats.size(); ++i) {
    if (!stats[i].ok()) return stats[i].status();
    if (!stats[i]->ready) {
      return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
                   fmt::format("shard {} cannot count yet: {}", entry.routes[i]->shard,
                               stats[i]->not_ready_reason));
    }
    entry.routes[i]->NoteLivePoints(stats[i]->live_points);
    count += stats[i]->live_points;
  }
  return count;
}

}  // namespace

void GetService::Get(const GetPointsCall& call, Done<PointRows> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto entry = map_.Find(call.collection);
  if (!entry.ok()) return done(entry.status());
  if (absl::Status bad = CheckGet(call, (*entry)->record); !bad.ok()) return done(bad);
  auto wait_lsns = WaitLsns(**entry, call.tokens, "tokens");
  if (!wait_lsns.ok()) return done(wait_lsns.status());
  PointRead read;
  read.entry = *std::move(entry);
  read.keys.reserve(call.keys.size() * PointKey::kSize);
  for (const PointKey& key : call.keys) read.keys.append(key.view());
  read.with_vector = call.with_vector;
  read.with_payload = call.with_payload;
  read.wait_lsns = *std::move(wait_lsns);
  read.deadline = *deadline;
  reader_.Read(std::move(read), std::move(done));
}

void GetService::Count(const CountCall& call, Done<uint64_t> done) const {
  const absl::StatusOr<Deadline> deadline = PointDeadline(call.deadline, clock_.Now());
  if (!deadline.ok()) return done(deadline.status());
  auto found = map_.Find(call.collection);
  if (!found.ok()) return done(found.status());
  const std::shared_ptr<const CollectionEntry> entry = *std::move(found);
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), *deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "a shard did not answer in time")};
  const auto send = [&](size_t i, Done<ShardStat> part) {
    // Stat blocks. A refused task is destroyed by Post, so its part is shared with us.
    const auto shared = std::make_shared<Done<ShardStat>>(std::move(part));
    const bool posted = admin_.Post([entry, i, shared, until = deadlines.shards] {
      (*shared)(entry->routes[i]->service->Stat(entry->routes[i]->shard, until));
    });
    if (posted) return;
    (*shared)(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                    "too many administrative calls wait; try again", {{kRetryAfterMsFact, "100"}}));
  };
  ScatterGather<ShardStat>(entry->routes.size(), limits, send,
                           [entry, done = std::move(done)](Replies<ShardStat> stats) mutable {
                             done(Sum(*entry, stats));
                           });
}

}  // namespace kith::coordinator
