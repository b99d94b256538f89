#include "coordinator/read/get_service.h"

#include <fmt/format.h>

#include <map>
#include <memory>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "coordinator/search/call_deadlines.h"
#include "coordinator/search/point_deadline.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/vector_input.h"

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

using Routes = std::vector<std::shared_ptr<const ShardRoute>>;

std::vector<Routes> RoutesByNode(const CollectionEntry& entry) {
  std::map<std::string_view, Routes> by_node;
  for (const auto& route : entry.routes) by_node[route->node].push_back(route);
  std::vector<Routes> nodes;
  for (auto& [node, routes] : by_node) nodes.push_back(std::move(routes));
  return nodes;
}

// Of one node's shards, one after another. Blocks.
absl::StatusOr<uint64_t> CountNode(const Routes& routes, const Uuid& incarnation, Deadline until) {
  uint64_t count = 0;
  for (const auto& route : routes) {
    KITH_ASSIGN_OR_RETURN(const ShardStat stat, route->service->Stat(route->shard, until));
    if (stat.incarnation != incarnation) {
      return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongIncarnation,
                   fmt::format("node {} holds shard {} of another collection's incarnation",
                               route->node, route->shard));
    }
    if (!stat.ready) {
      return Error(
          absl::StatusCode::kUnavailable, reason::kNotReady,
          fmt::format("shard {} cannot count yet: {}", route->shard, stat.not_ready_reason));
    }
    route->NoteLivePoints(stat.live_points);
    count += stat.live_points;
  }
  return count;
}

absl::StatusOr<uint64_t> Sum(const Replies<uint64_t>& counts) {
  uint64_t sum = 0;
  for (const auto& count : counts) {
    if (!count.ok()) return count.status();
    sum += *count;
  }
  return sum;
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
  EntryPtr entry = *std::move(found);
  if (call.filter == nullptr) return CountAll(std::move(entry), *deadline, std::move(done));
  if (absl::Status bad = CheckFilter(*call.filter, entry->record.payload_fields, "filter");
      !bad.ok()) {
    return done(bad);
  }
  CountPassing(std::move(entry), call.filter, *deadline, std::move(done));
}

// A search of no queries says how many points pass.
void GetService::CountPassing(EntryPtr entry, std::shared_ptr<const Filter> filter,
                              Deadline deadline, Done<uint64_t> done) const {
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "a shard did not answer in time")};
  const auto send = [&](size_t i, Done<SearchReply> part) {
    SearchCall call;
    call.shard = entry->routes[i]->shard;
    call.incarnation = entry->record.incarnation;
    call.filter = filter;
    entry->routes[i]->service->Search(std::move(call), deadlines.shards, std::move(part));
  };
  ScatterGather<SearchReply>(entry->routes.size(), limits, send,
                             [entry, done = std::move(done)](Replies<SearchReply> replies) mutable {
                               uint64_t count = 0;
                               for (const auto& reply : replies) {
                                 if (!reply.ok()) return done(reply.status());
                                 count += reply->filter_points;
                               }
                               done(count);
                             });
}

void GetService::CountAll(EntryPtr entry, Deadline deadline, Done<uint64_t> done) const {
  const CallDeadlines deadlines = SplitDeadline(clock_.Now(), deadline);
  const GatherLimits limits{timer_, deadlines.gather,
                            Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                                  "a shard did not answer in time")};
  // A task a node, not a shard: a collection of many shards must not fill the queue by itself.
  const std::vector<Routes> nodes = RoutesByNode(*entry);
  const auto send = [&](size_t i, Done<uint64_t> part) {
    // A refused task is destroyed by Post, so its part is shared with us.
    const auto shared = std::make_shared<Done<uint64_t>>(std::move(part));
    const bool posted = admin_.Post([entry, routes = nodes[i], shared, until = deadlines.shards] {
      (*shared)(CountNode(routes, entry->record.incarnation, until));
    });
    if (posted) return;
    (*shared)(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                    "too many administrative calls wait; try again", {{kRetryAfterMsFact, "100"}}));
  };
  ScatterGather<uint64_t>(
      nodes.size(), limits, send,
      [done = std::move(done)](Replies<uint64_t> counts) mutable { done(Sum(counts)); });
}

}  // namespace kith::coordinator
