#include "cli/bench/query_set.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

absl::Status DoNotFit(const std::string& path, std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("{}: {}", path, what));
}

}  // namespace

absl::StatusOr<QuerySet> QuerySet::Load(const Options& options, const VectorSchema& schema) {
  KITH_ASSIGN_OR_RETURN(const VectorMatrix queries,
                        LoadVectors(options.queries, std::numeric_limits<uint64_t>::max()));
  KITH_RETURN_IF_ERROR(CheckFits(options.queries, queries.shape, schema));
  QuerySet set;
  if (!options.truth.empty()) KITH_RETURN_IF_ERROR(set.LoadTruth(options, queries.rows));
  set.schema_ = schema;
  set.rows_ = queries.rows;
  set.k_ = options.k;
  set.first_id_ = options.first_id;
  const size_t row_bytes = queries.shape.row_bytes();
  for (uint64_t row = 0; row < queries.rows; ++row) {
    const absl::Status status = AppendConverted({queries.Row(row), row_bytes},
                                                queries.shape.element_type, schema, set.bytes_);
    if (!status.ok()) {
      return DoNotFit(options.queries,
                      fmt::format("query {}: {}", row, std::string(status.message())));
    }
  }
  return set;
}

absl::Status QuerySet::LoadTruth(const Options& options, uint64_t queries) {
  KITH_ASSIGN_OR_RETURN(truth_, ReadNeighbours(options.truth));
  if (truth_.depth < options.k) {
    return DoNotFit(options.truth, fmt::format("has {} neighbours a query, --k asks for {}",
                                               truth_.depth, options.k));
  }
  if (truth_.queries >= queries) return absl::OkStatus();
  return DoNotFit(options.truth, fmt::format("has neighbours of {} queries, {} holds {}: they "
                                             "are not of one set",
                                             truth_.queries, options.queries, queries));
}

std::string_view QuerySet::Bytes(uint64_t first, uint64_t& count) const {
  const uint64_t row = first % rows_;
  count = std::min(count, rows_ - row);
  return std::string_view(bytes_).substr(row * schema_.row_bytes(), count * schema_.row_bytes());
}

uint32_t QuerySet::CountFound(uint64_t row, std::span<const uint64_t> found) const {
  uint32_t hits = 0;
  for (const uint32_t neighbour : truth_.Ids(row).first(k_)) {
    hits += std::find(found.begin(), found.end(), first_id_ + neighbour) != found.end() ? 1 : 0;
  }
  return hits;
}

}  // namespace kith::cli
