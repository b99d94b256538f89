#include "cli/load/load_traffic.h"

#include <fmt/format.h>

#include <algorithm>

#include "cli/console/terminal.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

bool Writes(const LoadOptions& options) {
  return std::any_of(options.mix.begin(), options.mix.end(),
                     [](const MixPart& part) { return part.kind == CallKind::kUpsert; });
}

}  // namespace

absl::StatusOr<UpsertRows> UpsertRows::Load(const LoadOptions& options,
                                            const VectorSchema& schema) {
  if (options.upsert_vectors.empty()) {
    return UsageError("--upsert-vectors",
                      "the mix has upserts: name the file of the points that they write (the file "
                      "that the collection was imported from changes nothing in it)");
  }
  KITH_ASSIGN_OR_RETURN(const VectorMatrix rows,
                        LoadVectors(options.upsert_vectors, options.upsert_rows));
  KITH_RETURN_IF_ERROR(CheckFits(options.upsert_vectors, rows.shape, schema));
  UpsertRows upserts;
  upserts.rows_ = rows.rows;
  upserts.row_bytes_ = schema.row_bytes();
  upserts.first_id_ = options.upsert_first_id;
  for (uint64_t row = 0; row < rows.rows; ++row) {
    const absl::Status status = AppendConverted({rows.Row(row), rows.shape.row_bytes()},
                                                rows.shape.element_type, schema, upserts.bytes_);
    if (!status.ok()) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kBadVector,
                   fmt::format("{}: row {}: {}", options.upsert_vectors, row,
                               std::string(status.message())));
    }
  }
  return upserts;
}

std::string_view UpsertRows::Bytes(uint64_t first, uint64_t& count) const {
  const uint64_t row = first % rows_;
  count = std::min(count, rows_ - row);
  return std::string_view(bytes_).substr(row * row_bytes_, count * row_bytes_);
}

absl::StatusOr<LoadTraffic> LoadTrafficFor(const LoadOptions& options, const VectorSchema& schema) {
  LoadTraffic traffic;
  KITH_ASSIGN_OR_RETURN(
      traffic.queries,
      QuerySet::Load({options.queries, options.truth, options.search.k, options.first_id}, schema));
  if (!Writes(options)) return traffic;
  KITH_ASSIGN_OR_RETURN(traffic.upserts, UpsertRows::Load(options, schema));
  return traffic;
}

}  // namespace kith::cli
