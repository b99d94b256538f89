#include "coordinator/search/query_check.h"

#include <fmt/format.h>

#include <chrono>
#include <cmath>
#include <string_view>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "coordinator/search/query_examples.h"
#include "coordinator/search/vector_input.h"

namespace kith::coordinator {
namespace {

constexpr double kTargetRecallMin = 0.5;
constexpr double kTargetRecallMax = 0.999;
// gRPC rounds a deadline up on its way: 60 s must not be refused because it arrived as 60.1.
constexpr auto kDeadlineSlack = std::chrono::milliseconds(limits::kDeadlineMsMax / 100);

absl::Status CheckCount(const SearchQuery& query, uint32_t limit) {
  if (query.count == 0) {
    return FieldError("count", reason::kBadRequest, "is 0; say how many queries there are");
  }
  if (query.count > limits::kQueriesMax) {
    return FieldError("count", reason::kBatchTooLarge,
                      fmt::format("{} queries in one call, at most {} are taken; send them in "
                                  "several calls",
                                  query.count, limits::kQueriesMax));
  }
  if (uint64_t{query.count} * limit > limits::kHitsPerBatchMax) {
    return FieldError("parameters.limit", reason::kBatchTooLarge,
                      fmt::format("{} queries x limit {} is above {} hits in one call; send fewer "
                                  "queries or a smaller limit",
                                  query.count, limit, limits::kHitsPerBatchMax));
  }
  return absl::OkStatus();
}

absl::Status CheckReturned(const SearchQuery& query, const CollectionRecord& record,
                           uint32_t limit) {
  const uint64_t hits = uint64_t{query.count} * limit;
  const SearchParameters& p = query.parameters;
  if ((p.with_payload || p.with_vector) && hits > limits::kPointsPerCallMax) {
    return FieldError(p.with_payload ? "parameters.with_payload" : "parameters.with_vector",
                      reason::kBatchTooLarge,
                      fmt::format("at most {} hits of one call come with payloads or vectors, this "
                                  "one may have {}; lower the limit or get the points afterwards",
                                  limits::kPointsPerCallMax, hits));
  }
  const size_t bytes = ShapeOf(record).stored_bytes();
  if (p.with_vector && hits * bytes > limits::kMessageBytesMax / 2) {
    return FieldError(
        "parameters.with_vector", reason::kBatchTooLarge,
        fmt::format("{} vectors of {} bytes do not fit an answer; lower the limit", hits, bytes));
  }
  return absl::OkStatus();
}

absl::Status CheckCandidates(std::string_view field, std::optional<uint32_t> wanted,
                             uint32_t most) {
  if (wanted.value_or(0) <= most) return absl::OkStatus();
  return FieldError(
      field, reason::kBadRequest,
      fmt::format("is {}, must be at most {}; for the true neighbours set exact", *wanted, most));
}

// What says how deep to look means nothing where every point is compared.
absl::Status CheckExact(const SearchParameters& p) {
  if (!p.exact) return absl::OkStatus();
  const std::pair<const char*, bool> excluded[] = {
      {"parameters.nprobe", p.nprobe.has_value()},
      {"parameters.target_recall", p.target_recall.has_value()},
      {"parameters.refine", p.refine.has_value()},
      {"parameters.rerank", p.rerank.has_value()}};
  for (const auto& [field, is_given] : excluded) {
    if (is_given) {
      return FieldError(field, reason::kBadRequest,
                        "says how deep to look, and exact compares every point; send one of them");
    }
  }
  return absl::OkStatus();
}

absl::Status CheckDepth(const SearchParameters& p) {
  KITH_RETURN_IF_ERROR(CheckExact(p));
  KITH_RETURN_IF_ERROR(CheckCandidates("parameters.refine", p.refine, limits::kRefineMax));
  KITH_RETURN_IF_ERROR(CheckCandidates("parameters.rerank", p.rerank, limits::kRerankMax));
  if (p.nprobe.has_value() && p.target_recall.has_value()) {
    return FieldError("parameters.target_recall", reason::kBadRequest,
                      "excludes nprobe; send one of them");
  }
  if (p.nprobe.has_value() && (*p.nprobe == 0 || *p.nprobe > limits::kNprobeMax)) {
    return FieldError("parameters.nprobe", reason::kBadRequest,
                      fmt::format("is {}, must be from 1 to {}", *p.nprobe, limits::kNprobeMax));
  }
  if (p.target_recall.has_value() &&
      !(*p.target_recall >= kTargetRecallMin && *p.target_recall <= kTargetRecallMax)) {
    return FieldError("parameters.target_recall", reason::kBadRequest,
                      fmt::format("is {}, must be from {} to {}; for the true neighbours set exact",
                                  *p.target_recall, kTargetRecallMin, kTargetRecallMax));
  }
  return absl::OkStatus();
}

absl::Status CheckRange(const SearchParameters& p, Metric metric) {
  if (p.max_distance.has_value()) {
    if (!SmallerIsNearer(metric)) {
      return FieldError("parameters.max_distance", reason::kBadRequest,
                        "is for L2 only; this collection's scores are similarities: use min_score");
    }
    if (!(*p.max_distance >= 0) || std::isinf(*p.max_distance)) {
      return FieldError("parameters.max_distance", reason::kBadRequest,
                        "must be a finite squared distance, 0 or more");
    }
  }
  if (p.min_score.has_value()) {
    if (SmallerIsNearer(metric)) {
      return FieldError("parameters.min_score", reason::kBadRequest,
                        "is for inner product and cosine; this collection's scores are L2 "
                        "distances: use max_distance");
    }
    if (!std::isfinite(*p.min_score)) {
      return FieldError("parameters.min_score", reason::kBadRequest, "must be a finite number");
    }
  }
  if (p.min_coverage.has_value() && !(*p.min_coverage >= 0 && *p.min_coverage <= 1)) {
    return FieldError("parameters.min_coverage", reason::kBadRequest, "must be from 0 to 1");
  }
  return absl::OkStatus();
}

// What becomes of the hits: pages, groups.
absl::Status CheckPages(const SearchQuery& query, uint32_t limit) {
  if (query.page_token.size() > limits::kPageTokenBytesMax) {
    return FieldError("page_token", reason::kBadPageToken,
                      "is no page token of a search; begin again without one");
  }
  if (!query.page_depth.has_value()) return absl::OkStatus();
  if (*query.page_depth >= limit && *query.page_depth <= limits::kPageDepthMax) {
    return absl::OkStatus();
  }
  return FieldError("page_depth", reason::kLimitOutOfRange,
                    fmt::format("is {}, must be from the limit ({}) to {}; with exact, pages go on "
                                "to the last point",
                                *query.page_depth, limit, limits::kPageDepthMax));
}

absl::Status CheckGroups(const SearchQuery& query, const CollectionRecord& record,
                         uint32_t groups) {
  if (!query.group_by.has_value()) return absl::OkStatus();
  const GroupBy& by = *query.group_by;
  const auto place = FindField(record.payload_fields, by.field);
  if (!place.has_value()) {
    return FieldError("group_by.field", reason::kBadRequest,
                      fmt::format("\"{}\" is not among the collection's payload_fields; hits are "
                                  "grouped by indexed fields only",
                                  by.field.substr(0, limits::kFieldNameBytesMax)));
  }
  KITH_RETURN_IF_ERROR(CheckBuilt(record.payload_fields[*place]));
  if (!query.page_token.empty() || query.page_depth.has_value()) {
    return FieldError(query.page_token.empty() ? "page_depth" : "page_token", reason::kBadRequest,
                      "does not go with group_by, whose groups come in one answer");
  }
  if (by.group_size == 0 || by.group_size > limits::kGroupSizeMax) {
    return FieldError(
        "group_by.group_size", reason::kLimitOutOfRange,
        fmt::format("is {}, must be from 1 to {}", by.group_size, limits::kGroupSizeMax));
  }
  if (groups > limits::kGroupsMax || groups * by.group_size > limits::kLimitMax) {
    return FieldError("parameters.limit", reason::kLimitOutOfRange,
                      fmt::format("{} groups of {}: at most {} groups and {} hits are given",
                                  groups, by.group_size, limits::kGroupsMax, limits::kLimitMax));
  }
  return absl::OkStatus();
}

// The n-th row of a flat batch.
VectorInput RowOf(const VectorInput& vectors, uint32_t row, const VectorShape& shape) {
  if (vectors.values.empty()) {
    return {vectors.data.substr(row * shape.stored_bytes(), shape.stored_bytes()), {}};
  }
  return {{}, vectors.values.subspan(size_t{row} * shape.dimension, shape.dimension)};
}

absl::Status CheckBatchSize(const SearchQuery& query, const VectorShape& shape) {
  const VectorInput& vectors = query.vectors;
  if (vectors.data.empty() == vectors.values.empty()) {
    return FieldError("queries", reason::kBadVector,
                      vectors.data.empty() ? "are missing; send queries or query_values"
                                           : "come with query_values; send one of them");
  }
  const size_t elements = size_t{query.count} * shape.dimension;
  if (!vectors.data.empty() && vectors.data.size() != query.count * shape.stored_bytes()) {
    return FieldError(
        "queries", reason::kDimensionMismatch,
        fmt::format("has {} bytes, {} queries of dimension {} have {}", vectors.data.size(),
                    query.count, shape.dimension, query.count * shape.stored_bytes()));
  }
  if (!vectors.values.empty() && vectors.values.size() != elements) {
    return FieldError("query_values", reason::kDimensionMismatch,
                      fmt::format("has {} values, {} queries of dimension {} have {}",
                                  vectors.values.size(), query.count, shape.dimension, elements));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckDeadline(std::optional<Deadline> deadline, Deadline now) {
  const auto longest = std::chrono::milliseconds(limits::kDeadlineMsMax);
  if (!deadline.has_value() || *deadline - now > longest + kDeadlineSlack) {
    return FieldError("deadline", reason::kDeadlineRequired,
                      fmt::format("{}; set a deadline of at most {} s on the call (2 s is usual)",
                                  deadline.has_value() ? "is too far away" : "is missing",
                                  limits::kDeadlineMsMax / 1000));
  }
  if (*deadline <= now) {
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                 "the deadline had passed when the call arrived");
  }
  return absl::OkStatus();
}

absl::Status CheckSearch(const SearchQuery& query, const CollectionRecord& record) {
  const uint32_t limit = query.parameters.limit.value_or(limits::kLimitDefault);
  if (limit == 0 || limit > limits::kLimitMax) {
    return FieldError("parameters.limit", reason::kLimitOutOfRange,
                      fmt::format("is {}, must be from 1 to {}", limit, limits::kLimitMax));
  }
  KITH_RETURN_IF_ERROR(CheckCount(query, limit));
  KITH_RETURN_IF_ERROR(CheckDepth(query.parameters));
  KITH_RETURN_IF_ERROR(CheckRange(query.parameters, record.metric));
  KITH_RETURN_IF_ERROR(CheckPages(query, limit));
  KITH_RETURN_IF_ERROR(CheckGroups(query, record, limit));
  KITH_RETURN_IF_ERROR(CheckExamples(query));
  if (query.parameters.filter != nullptr) {
    KITH_RETURN_IF_ERROR(
        CheckFilter(*query.parameters.filter, record.payload_fields, "parameters.filter"));
  }
  const uint32_t group_size = query.group_by.has_value() ? query.group_by->group_size : 1;
  return CheckReturned(query, record, limit * group_size);
}

absl::StatusOr<std::string> QueryRows(const SearchQuery& query, const CollectionRecord& record) {
  const VectorShape shape = ShapeOf(record);
  std::string vectors;
  if (query.point.has_value() || query.examples.has_value()) return vectors;
  if (query.form == QueryForm::kSingle) {
    const absl::Status status = AppendVector(shape, query.vectors, VectorUse::kQuery, vectors);
    if (!status.ok()) return AtField(status, "vector");
    return vectors;
  }
  KITH_RETURN_IF_ERROR(CheckBatchSize(query, shape));
  vectors.reserve(query.count * shape.query_bytes());
  const char* const field = query.vectors.values.empty() ? "queries" : "query_values";
  for (uint32_t i = 0; i < query.count; ++i) {
    const absl::Status status =
        AppendVector(shape, RowOf(query.vectors, i, shape), VectorUse::kQuery, vectors);
    if (!status.ok()) return AtField(status, fmt::format("{}[{}]", field, i));
  }
  return vectors;
}

}  // namespace kith::coordinator
