#include "shard/search/facet_counter.h"

#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

using Counts = absl::flat_hash_map<std::string, uint64_t>;

absl::Status TooMany(const std::string& field) {
  return Error(absl::StatusCode::kResourceExhausted, reason::kTooManyValues,
               fmt::format("field {} has more than {} distinct values among the points of a shard; "
                           "narrow them with a filter",
                           field, limits::kFacetValuesMax));
}

// Stops once there are more values than a reply may have.
Counts CountRuns(const Snapshot& snapshot, uint16_t field, const FilterRows& rows) {
  Counts counts;
  for (const auto& run : snapshot.postings.runs()) {
    run->CountValues(field, rows.words(), [&](std::string_view value, uint64_t points) {
      counts[std::string(value)] += points;
    });
    if (counts.size() > limits::kFacetValuesMax) break;
  }
  return counts;
}

}  // namespace

absl::StatusOr<FacetReply> CountFacet(const CopyParts& parts, const FacetCall& call,
                                      FilterCache& filters) {
  std::shared_ptr<const Snapshot> snapshot = parts.snapshots.Pin();
  if (call.wait_lsn > snapshot->lsn) {
    return Error(
        absl::StatusCode::kUnavailable, reason::kNotReady,
        fmt::format("the shard is at lsn {}, the token asks for {}", snapshot->lsn, call.wait_lsn));
  }
  std::shared_ptr<const FilterRows> rows;
  if (call.filter == nullptr) {
    rows = LiveRows(*snapshot);
  } else {
    KITH_ASSIGN_OR_RETURN(rows, filters.Find(parts, *call.filter, snapshot));
  }
  // Of the snapshot that the filter was evaluated over.
  const PayloadSchema& schema = snapshot->fields->schema;
  const auto field = FindField(schema, call.field);
  if (!field.has_value()) {
    return FieldError("field", reason::kBadFilter, fmt::format("{} has no index", call.field));
  }
  KITH_RETURN_IF_ERROR(CheckBuilt(schema[*field]));
  const Counts counts = CountRuns(*snapshot, *field, *rows);
  if (counts.size() > limits::kFacetValuesMax) return TooMany(call.field);
  std::vector<std::pair<std::string, uint64_t>> ordered(counts.begin(), counts.end());
  std::sort(ordered.begin(), ordered.end());
  FacetReply reply;
  reply.lsn = snapshot->lsn;
  for (const auto& [value, points] : ordered) {
    reply.values.append(value);
    reply.value_sizes.push_back(static_cast<uint32_t>(value.size()));
    reply.counts.push_back(points);
  }
  return reply;
}

}  // namespace kith::shard
