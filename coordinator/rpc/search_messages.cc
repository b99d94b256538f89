#include "coordinator/rpc/search_messages.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/search_limits.h"
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

absl::StatusOr<std::vector<Example>> ExamplesFromProto(
    const google::protobuf::RepeatedPtrField<v1::Example>& examples, const std::string& field) {
  std::vector<Example> plain;
  // One too many shows that there are too many, without all of them being made.
  const int count = std::min(examples.size(), static_cast<int>(limits::kExamplesMax) + 1);
  for (int i = 0; i < count; ++i) {
    const v1::Example& example = examples[i];
    const std::string at = fmt::format("{}[{}]", field, i);
    if (example.has_vector()) {
      plain.push_back({VectorFromProto(example.vector()), std::nullopt});
    } else if (const auto key = KeyFromProto(example.point()); example.has_point() && key) {
      plain.push_back({{}, key});
    } else {
      return FieldError(at, reason::kBadId,
                        "must be a vector, a number or a UUID of exactly 16 bytes");
    }
  }
  return plain;
}

absl::StatusOr<Examples> ExamplesFromProto(const v1::Examples& examples) {
  Examples plain;
  KITH_ASSIGN_OR_RETURN(plain.positive,
                        ExamplesFromProto(examples.positive(), "examples.positive"));
  KITH_ASSIGN_OR_RETURN(plain.negative,
                        ExamplesFromProto(examples.negative(), "examples.negative"));
  switch (examples.strategy()) {
    case v1::Examples::STRATEGY_UNSPECIFIED:
    case v1::Examples::STRATEGY_AVERAGE:
      plain.strategy = ExampleStrategy::kAverage;
      return plain;
    case v1::Examples::STRATEGY_BEST_SCORE:
      plain.strategy = ExampleStrategy::kBestScore;
      return plain;
    default:
      return FieldError("examples.strategy", reason::kBadRequest, "is none that this server knows");
  }
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
  to->set_range_rounds(explanation.range_rounds);
  to->set_points_within(explanation.points_within);
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

void HitToProto(const SearchAnswer& answer, size_t i, v1::Hit* to) {
  KeyToProto(KeyAt(answer.hits, i), to->mutable_id());
  to->set_score(answer.hits.scores[i]);
  to->set_version(answer.hits.versions[i]);
  if (!answer.payloads.empty()) to->set_payload(answer.payloads[i]);
  if (!answer.vectors.empty()) {
    to->mutable_vector()->set_data(
        answer.vectors.substr(i * answer.vector_bytes, answer.vector_bytes));
  }
}

void GroupsToProto(const SearchAnswer& answer, v1::SearchResponse* response) {
  size_t hit = 0;
  for (size_t g = 0; g < answer.groups->values.size(); ++g) {
    v1::HitGroup* const group = response->add_groups();
    kith::rpc::ValueToProto(answer.groups->values[g], group->mutable_value());
    for (const size_t end = hit + answer.hits.counts[g]; hit < end; ++hit) {
      HitToProto(answer, hit, group->add_hits());
    }
  }
  response->set_group_candidates(answer.groups->candidates);
  response->set_groups_complete(answer.groups->is_complete);
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
  } else if (request.has_examples()) {
    KITH_ASSIGN_OR_RETURN(query.examples, ExamplesFromProto(request.examples()));
  } else {
    return FieldError("vector", reason::kBadVector,
                      "is missing; search with a vector, with the id of a stored point or with "
                      "examples");
  }
  query.page_token = request.page_token();
  if (request.has_page_depth()) query.page_depth = request.page_depth();
  if (request.has_group_by()) {
    query.group_by.emplace();
    query.group_by->field = request.group_by().field();
    if (request.group_by().has_group_size()) {
      query.group_by->group_size = request.group_by().group_size();
    }
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
  if (answer.groups.has_value()) {
    GroupsToProto(answer, response);
  } else {
    response->mutable_hits()->Reserve(static_cast<int>(hits.size()));
    for (size_t i = 0; i < hits.size(); ++i) HitToProto(answer, i, response->add_hits());
  }
  response->set_next_page_token(answer.next_page_token);
  response->set_completeness(static_cast<v1::Completeness>(answer.completeness));
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
