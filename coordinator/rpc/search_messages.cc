#include "coordinator/rpc/search_messages.h"

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/filter_messages.h"
#include "coordinator/rpc/point_messages.h"

namespace kith::coordinator::rpc {
namespace {

uint64_t Micros(uint64_t ns) { return (ns + 500) / 1000; }

absl::StatusOr<SearchPriority> PriorityFromProto(v1::SearchPriority priority) {
  switch (priority) {
    case v1::SEARCH_PRIORITY_INTERACTIVE:
      return SearchPriority::kInteractive;
    case v1::SEARCH_PRIORITY_BATCH:
      return SearchPriority::kBatch;
    default:
      return FieldError("parameters.priority", reason::kBadRequest,
                        std::to_string(priority) + " is no search priority of this server");
  }
}

absl::StatusOr<SearchParameters> ParametersFromProto(const v1::SearchParameters& p) {
  SearchParameters plain;
  if (p.has_limit()) plain.limit = p.limit();
  if (p.has_nprobe()) plain.nprobe = p.nprobe();
  if (p.has_target_recall()) plain.target_recall = p.target_recall();
  plain.exact = p.exact();
  if (p.has_max_distance()) plain.max_distance = p.max_distance();
  if (p.has_min_score()) plain.min_score = p.min_score();
  if (p.has_min_coverage()) plain.min_coverage = p.min_coverage();
  plain.with_payload = p.with_payload();
  plain.with_vector = p.with_vector();
  plain.explain = p.explain();
  KITH_ASSIGN_OR_RETURN(plain.tokens, TokensFromProto(p.tokens(), "parameters.tokens"));
  KITH_ASSIGN_OR_RETURN(plain.priority, PriorityFromProto(p.priority()));
  if (p.has_refine()) plain.refine = p.refine();
  if (p.has_rerank()) plain.rerank = p.rerank();
  if (p.has_filter()) {
    KITH_ASSIGN_OR_RETURN(Filter filter,
                          kith::rpc::FilterFromProto(p.filter(), "parameters.filter"));
    plain.filter = std::make_shared<const Filter>(std::move(filter));
  }
  return plain;
}

PointKey KeyAt(const HitColumns& hits, size_t i) {
  return PointKey::FromBytes(hits.keys.data() + i * PointKey::kSize);
}

void CoverageToProto(const Coverage& coverage, v1::Coverage* to) {
  to->set_ratio(coverage.ratio);
  to->set_points_searched(coverage.points_searched);
  to->set_points_total(coverage.points_total);
  to->set_shards_ok(coverage.shards_ok);
  to->set_shards_total(coverage.shards_total);
  for (const ShardFailure& failure : coverage.failed) {
    v1::ShardFailure* const message = to->add_failed();
    message->set_shard(failure.shard);
    message->set_reason(failure.reason);
    message->set_message(failure.message);
  }
}

void ShardToProto(const ShardStages& shard, v1::ShardExplanation* to) {
  to->set_shard(shard.shard);
  to->set_lsn(shard.lsn);
  to->set_queue_us(Micros(shard.stages.queue_ns));
  to->set_coarse_us(Micros(shard.stages.coarse_ns));
  to->set_scan_us(Micros(shard.stages.scan_ns));
  to->set_refine_us(Micros(shard.stages.refine_ns));
  to->set_rerank_us(Micros(shard.stages.rerank_ns));
  to->set_total_us(Micros(shard.stages.total_ns));
  to->set_points(shard.points);
  to->set_lists_probed(shard.work.lists_probed);
  to->set_rows_scanned(shard.work.rows_scanned);
  to->set_rows_exact(shard.work.rows_exact);
  to->set_rows_refined(shard.work.rows_refined);
  to->set_rows_reranked(shard.work.rows_reranked);
  if (shard.filter_strategy == FilterStrategy::kNone) return;
  to->set_filter_points(shard.filter_points);
  to->set_filter_us(Micros(shard.stages.filter_ns));
  const bool is_exact = shard.filter_strategy == FilterStrategy::kExact;
  to->set_strategy(is_exact ? "filtered flat" : "filtered ivf");
  if (!is_exact) to->set_nprobe(shard.nprobe);
}

void ExplanationToProto(const Explanation& explanation, v1::Explanation* to) {
  to->set_strategy(explanation.strategy);
  to->set_strategy_reason(explanation.strategy_reason);
  to->set_nprobe(explanation.nprobe);
  to->set_refine(explanation.refine);
  to->set_stop_ratio(explanation.stop_ratio);
  to->set_rerank(explanation.rerank);
  if (explanation.is_recall_reached.has_value()) {
    to->set_target_recall_reached(*explanation.is_recall_reached);
  }
  if (explanation.target_recall.has_value()) to->set_target_recall(*explanation.target_recall);
  to->set_target_recall_source(explanation.target_recall_source);
  to->set_lists_probed(explanation.work.lists_probed);
  to->set_rows_scanned(explanation.work.rows_scanned);
  to->set_rows_exact(explanation.work.rows_exact);
  to->set_rows_refined(explanation.work.rows_refined);
  to->set_rows_reranked(explanation.work.rows_reranked);
  to->set_points_total(explanation.points_total);
  to->set_coordinator_us(explanation.coordinator_us);
  to->set_merge_us(explanation.merge_us);
  to->set_payload_us(explanation.payload_us);
  if (explanation.filter_points.has_value()) {
    const double total = static_cast<double>(std::max<uint64_t>(1, explanation.points_total));
    to->set_filter_points(*explanation.filter_points);
    to->set_filter_selectivity(static_cast<double>(*explanation.filter_points) / total);
  }
  for (const ShardStages& shard : explanation.shards) ShardToProto(shard, to->add_shards());
}

// What both responses say about how they came to be.
template <typename Response>
void CircumstancesToProto(const SearchAnswer& answer, Response* response) {
  response->set_score_kind(v1::SCORE_KIND_EXACT);
  response->set_index_version(answer.index_version);
  CoverageToProto(answer.coverage, response->mutable_coverage());
  for (const std::string& reason : answer.degraded) response->add_degraded(reason);
  if (answer.explanation.has_value()) {
    ExplanationToProto(*answer.explanation, response->mutable_explanation());
    response->mutable_explanation()->set_index_version(answer.index_version);
  }
}

}  // namespace

absl::StatusOr<SearchQuery> QueryFromProto(const v1::SearchRequest& request) {
  SearchQuery query;
  query.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(query.parameters, ParametersFromProto(request.parameters()));
  if (request.has_vector()) {
    query.vectors = VectorFromProto(request.vector());
  } else if (request.has_point()) {
    query.point = KeyFromProto(request.point());
    if (!query.point.has_value()) {
      return FieldError("point", reason::kBadId, "must be a number or a UUID of exactly 16 bytes");
    }
  } else {
    return FieldError("vector", reason::kBadVector,
                      "is missing; search with a vector or with the id of a stored point");
  }
  return query;
}

absl::StatusOr<SearchQuery> QueryFromProto(const v1::SearchBatchRequest& request) {
  SearchQuery query;
  query.form = QueryForm::kBatch;
  query.collection = request.collection();
  query.count = request.count();
  query.vectors.data = request.queries();
  query.vectors.values = {request.query_values().data(),
                          static_cast<size_t>(request.query_values_size())};
  KITH_ASSIGN_OR_RETURN(query.parameters, ParametersFromProto(request.parameters()));
  return query;
}

void AnswerToProto(const SearchAnswer& answer, v1::SearchResponse* response) {
  const HitColumns& hits = answer.hits;
  response->mutable_hits()->Reserve(static_cast<int>(hits.size()));
  for (size_t i = 0; i < hits.size(); ++i) {
    v1::Hit* const hit = response->add_hits();
    KeyToProto(KeyAt(hits, i), hit->mutable_id());
    hit->set_score(hits.scores[i]);
    hit->set_version(hits.versions[i]);
    if (!answer.payloads.empty()) hit->set_payload(answer.payloads[i]);
    if (!answer.vectors.empty()) {
      hit->mutable_vector()->set_data(
          answer.vectors.substr(i * answer.vector_bytes, answer.vector_bytes));
    }
  }
  CircumstancesToProto(answer, response);
}

void AnswerToProto(SearchAnswer answer, v1::SearchBatchResponse* response) {
  const HitColumns& hits = answer.hits;
  bool all_numbers = true;
  for (size_t i = 0; i < hits.size(); ++i) all_numbers &= KeyAt(hits, i).is_number();
  if (all_numbers) response->mutable_numbers()->Reserve(static_cast<int>(hits.size()));
  for (size_t i = 0; i < hits.size(); ++i) {
    const PointKey key = KeyAt(hits, i);
    if (all_numbers) {
      response->add_numbers(key.number());
    } else {
      KeyToProto(key, response->add_ids());
    }
  }
  response->mutable_counts()->Add(hits.counts.begin(), hits.counts.end());
  response->mutable_scores()->Add(hits.scores.begin(), hits.scores.end());
  response->mutable_versions()->Add(hits.versions.begin(), hits.versions.end());
  for (std::string& payload : answer.payloads) response->add_payloads(std::move(payload));
  response->set_vectors(std::move(answer.vectors));
  CircumstancesToProto(answer, response);
}

}  // namespace kith::coordinator::rpc
