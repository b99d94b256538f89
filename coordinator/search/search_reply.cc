#include "coordinator/search/search_reply.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/search/coverage.h"
#include "coordinator/search/hit_merge.h"
#include "coordinator/search/search_throttle.h"

namespace kith::coordinator {
namespace {

constexpr double kMinCoverageDefault = 1.0;

void Add(const SearchCounts& from, SearchCounts& to) {
  to.lists_probed += from.lists_probed;
  to.rows_scanned += from.rows_scanned;
  to.rows_exact += from.rows_exact;
  to.rows_refined += from.rows_refined;
  to.rows_reranked += from.rows_reranked;
}

std::vector<uint32_t> SlotsOfRoutes(const CollectionEntry& entry) {
  std::vector<uint32_t> slots(entry.routes.size());
  for (const uint16_t route : entry.route_of_slot) ++slots[route];
  return slots;
}

std::vector<ShardProgress> ProgressOf(const CollectionEntry& entry,
                                      const Replies<SearchReply>& replies) {
  const bool any_failed =
      std::any_of(replies.begin(), replies.end(), [](const auto& reply) { return !reply.ok(); });
  // Counting slots costs more than the rest of this: only failures need it.
  const std::vector<uint32_t> slots =
      any_failed ? SlotsOfRoutes(entry) : std::vector<uint32_t>(entry.routes.size());
  std::vector<ShardProgress> shards(replies.size());
  for (size_t i = 0; i < replies.size(); ++i) {
    const ShardRoute& route = *entry.routes[i];
    shards[i].shard = route.shard;
    shards[i].slots = slots[i];
    shards[i].status = replies[i].status();
    if (replies[i].ok()) {
      shards[i].points = replies[i]->live_points;
      shards[i].codes_planned = replies[i]->codes_planned;
      shards[i].codes_done = replies[i]->codes_done;
      route.NoteLivePoints(replies[i]->live_points);
    } else {
      shards[i].points = route.live_points.load(std::memory_order_relaxed);
    }
  }
  return shards;
}

// The caller's fault, which no other coverage would mend. OK where there is none.
absl::Status FaultOfCaller(const Replies<SearchReply>& replies) {
  for (const auto& reply : replies) {
    if (reply.status().code() == absl::StatusCode::kInvalidArgument) return reply.status();
  }
  return absl::OkStatus();
}

// A hint that a shard gave goes on to the caller: the longest.
void KeepRetryHint(const Replies<SearchReply>& replies, absl::Status& status) {
  uint64_t longest = 0;
  for (const auto& reply : replies) {
    if (reply.ok()) continue;
    const auto hint = FactOf(reply.status(), kRetryAfterMsFact);
    if (hint.has_value())
      longest = std::max<uint64_t>(longest, std::strtoull(hint->c_str(), nullptr, 10));
  }
  if (longest > 0) SetFact(status, kRetryAfterMsFact, std::to_string(longest));
}

// A shard that has too much to do says so to the caller, with what else is known: not that
// something is missing, but when to come back.
absl::Status NamedByOverload(const Replies<SearchReply>& replies, const absl::Status& status) {
  const auto refusal = std::find_if(replies.begin(), replies.end(),
                                    [](const auto& reply) { return IsOverload(reply.status()); });
  if (refusal == replies.end()) return status;
  absl::Status named = Error(absl::StatusCode::kResourceExhausted, ReasonOf(refusal->status()),
                             std::string(refusal->status().message()));
  ForEachFact(status,
              [&](std::string_view key, const std::string& value) { SetFact(named, key, value); });
  return named;
}

// By every shard: an answer of nothing would be no answer, whatever coverage is accepted.
bool IsRefusedByOverload(const Replies<SearchReply>& replies) {
  return !replies.empty() && std::all_of(replies.begin(), replies.end(), [](const auto& reply) {
    return IsOverload(reply.status());
  });
}

std::vector<std::string> DegradedBy(const Coverage& coverage) {
  std::vector<std::string> reasons;
  for (const ShardFailure& failure : coverage.failed) reasons.push_back(failure.reason);
  std::sort(reasons.begin(), reasons.end());
  reasons.erase(std::unique(reasons.begin(), reasons.end()), reasons.end());
  return reasons;
}

// Of what the shards did under a filter, each by how few of its points pass.
const char* FilteredStrategy(const std::vector<ShardStages>& shards) {
  const auto count = [&](FilterStrategy strategy) {
    return std::count_if(shards.begin(), shards.end(), [&](const ShardStages& shard) {
      return shard.filter_strategy == strategy;
    });
  };
  const auto exact = count(FilterStrategy::kExact);
  const auto lists = count(FilterStrategy::kLists);
  if (lists == 0) return "filtered flat";
  return exact == 0 ? "filtered ivf" : "filtered mixed";
}

Explanation Explain(const SearchPlan& plan, const SearchParameters& parameters,
                    const Replies<SearchReply>& replies) {
  Explanation explanation;
  explanation.strategy_reason = plan.flat_reason;
  if (!plan.is_flat) {
    explanation.strategy = "ivf";
    explanation.nprobe = plan.call.nprobe;
    explanation.refine = plan.call.refine;
    explanation.stop_ratio = plan.call.stop_ratio;
    explanation.rerank = plan.call.rerank;
    explanation.is_recall_reached = plan.is_recall_reached;
    explanation.target_recall = plan.target_recall;
    if (plan.target_recall.has_value()) {
      explanation.target_recall_source =
          parameters.target_recall.has_value() ? "request" : "collection";
    }
  }
  for (size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) continue;
    const SearchReply& reply = *replies[i];
    Add(reply.work, explanation.work);
    explanation.shards.push_back({plan.entry->routes[i]->shard, reply.lsn, reply.live_points,
                                  reply.work, reply.stages, reply.filter_strategy,
                                  reply.filter_points, reply.nprobe});
  }
  if (plan.call.filter != nullptr) {
    explanation.strategy = FilteredStrategy(explanation.shards);
    explanation.filter_points = 0;
    for (const ShardStages& shard : explanation.shards) {
      *explanation.filter_points += shard.filter_points;
      explanation.nprobe = std::max(explanation.nprobe, plan.is_flat ? 0 : shard.nprobe);
    }
  }
  return explanation;
}

HitColumns Merge(const SearchPlan& plan, Replies<SearchReply>& replies) {
  std::vector<SearchReply*> good;
  for (auto& reply : replies) {
    if (reply.ok()) good.push_back(&*reply);
  }
  MergeOptions options;
  options.metric = plan.entry->record.metric;
  options.count = plan.call.count;
  options.limit = plan.limit;
  options.leave_out = plan.leave_out;
  return MergeHits(std::move(good), options);
}

}  // namespace

absl::StatusOr<SearchAnswer> MakeAnswer(const SearchPlan& plan, const SearchQuery& query,
                                        Replies<SearchReply>& replies) {
  for (size_t i = 0; i < replies.size(); ++i) {
    if (!replies[i].ok()) continue;
    if (absl::Status bad = CheckReply(*replies[i], plan.call); !bad.ok())
      replies[i] = std::move(bad);
  }
  SearchAnswer answer;
  answer.coverage = MeasureCoverage(ProgressOf(*plan.entry, replies));
  const double minimum = query.parameters.min_coverage.value_or(kMinCoverageDefault);
  absl::Status status = CheckCoverage(answer.coverage, minimum);
  const bool nobody_took_it = IsRefusedByOverload(replies);
  if (!status.ok() || nobody_took_it) {
    KITH_RETURN_IF_ERROR(FaultOfCaller(replies));
    if (nobody_took_it) status = CheckCoverage(answer.coverage, 1);
    KeepRetryHint(replies, status);
    return NamedByOverload(replies, status);
  }
  if (query.parameters.explain) {
    answer.explanation = Explain(plan, query.parameters, replies);
    answer.explanation->points_total = answer.coverage.points_total;
  }
  answer.hits = Merge(plan, replies);
  answer.degraded = DegradedBy(answer.coverage);
  answer.index_version = plan.call.index_version;
  answer.vector_bytes = ShapeOf(plan.entry->record).stored_bytes();
  return answer;
}

bool AreAsFound(const PointRows& points, const HitColumns& hits) {
  for (size_t i = 0; i < hits.size(); ++i) {
    const PointRows::Row& row = points.rows[i];
    if (!row.is_found || row.version != hits.versions[i]) return false;
  }
  return true;
}

void AddPoints(const PointRows& points, const SearchParameters& parameters, SearchAnswer& answer) {
  if (!AreAsFound(points, answer.hits)) answer.degraded.push_back(reason::kChangedMeanwhile);
  HitColumns kept;
  size_t hit = 0;
  for (const uint32_t count : answer.hits.counts) {
    const size_t before = kept.size();
    for (const size_t end = hit + count; hit < end; ++hit) {
      const PointRows::Row& row = points.rows[hit];
      if (!row.is_found || row.version != answer.hits.versions[hit]) continue;
      kept.keys.append(answer.hits.keys, hit * PointKey::kSize, PointKey::kSize);
      kept.scores.push_back(answer.hits.scores[hit]);
      kept.versions.push_back(answer.hits.versions[hit]);
      if (parameters.with_payload) answer.payloads.emplace_back(row.payload);
      if (parameters.with_vector) answer.vectors.append(row.vector);
    }
    kept.counts.push_back(static_cast<uint32_t>(kept.size() - before));
  }
  answer.hits = std::move(kept);
}

telemetry::SearchObservation Observe(const Replies<SearchReply>& replies) {
  telemetry::SearchObservation seen;
  const SearchStages* slowest = nullptr;
  for (const auto& reply : replies) {
    if (!reply.ok()) continue;
    if (slowest == nullptr || reply->stages.total_ns > slowest->total_ns) slowest = &reply->stages;
  }
  if (slowest == nullptr) return seen;
  seen.queue_ns = slowest->queue_ns;
  seen.coarse_ns = slowest->coarse_ns;
  seen.scan_ns = slowest->scan_ns;
  seen.refine_ns = slowest->refine_ns;
  seen.rerank_ns = slowest->rerank_ns;
  return seen;
}

}  // namespace kith::coordinator
