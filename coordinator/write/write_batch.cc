#include "coordinator/write/write_batch.h"

#include <fmt/format.h>

#include <string_view>
#include <unordered_set>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/payload_merge.h"
#include "common/payload/payload_values.h"
#include "coordinator/search/vector_input.h"
#include "coordinator/write/body_hasher.h"

namespace kith::coordinator {
namespace {

absl::Status CheckCount(std::string_view field, size_t count) {
  if (count <= limits::kPointsPerCallMax) return absl::OkStatus();
  return FieldError(field, reason::kBatchTooLarge,
                    fmt::format("{} points in one call, at most {} are taken; send them in several "
                                "calls",
                                count, limits::kPointsPerCallMax));
}

absl::Status CheckColumns(const UpsertColumns& columns, const VectorShape& shape) {
  const size_t count = columns.numbers.size();
  KITH_RETURN_IF_ERROR(CheckCount("columns.numbers", count));
  if (columns.vectors.size() != count * shape.stored_bytes()) {
    return FieldError(
        "columns.vectors", reason::kDimensionMismatch,
        fmt::format("has {} bytes, {} vectors of dimension {} have {}", columns.vectors.size(),
                    count, shape.dimension, count * shape.stored_bytes()));
  }
  if (!columns.payloads.empty() && columns.payloads.size() != count) {
    return FieldError("columns.payloads", reason::kBadRequest,
                      fmt::format("has {} entries for {} points; send none or one a point",
                                  columns.payloads.size(), count));
  }
  return absl::OkStatus();
}

absl::Status CheckCall(const UpsertCall& call, const VectorShape& shape) {
  KITH_RETURN_IF_ERROR(CheckRequestId(call.request_id));
  KITH_RETURN_IF_ERROR(CheckCount("points", call.points.size()));
  if (!call.columns.has_value()) return absl::OkStatus();
  if (!call.points.empty()) {
    return FieldError("columns", reason::kBadRequest, "comes with points; send one of them");
  }
  return CheckColumns(*call.columns, shape);
}

// Builds the flat buffers point by point; a refused point leaves no trace in them.
class BatchBuilder {
 public:
  BatchBuilder(const CollectionRecord& record, const UpsertCall& call, size_t items)
      : shape_(ShapeOf(record)),
        schema_(record.payload_fields),
        has_columns_(call.columns.has_value()) {
    batch_.kind = call.mode;
    batch_.items = items;
    batch_.keys.reserve(items * PointKey::kSize);
    batch_.vectors.reserve(items * shape_.stored_bytes());
  }

  void Add(uint32_t item, const UpsertPoint& point) {
    absl::Status status = Check(item, point);
    if (!status.ok()) {
      Refuse(item, std::move(status));
      return;
    }
    if (!batch_.refused.empty()) batch_.places.push_back(item);
    batch_.keys.append(point.key->view());
    AddPayload(point.payload);
    AddCondition(point.if_version);
  }

  WriteBatch Take() { return std::move(batch_); }

 private:
  // `part` as the caller knows it.
  std::string Field(uint32_t item, std::string_view part) const {
    return has_columns_ ? fmt::format("columns.{}s[{}]", part, item)
                        : fmt::format("points[{}].{}", item, part);
  }

  absl::Status Check(uint32_t item, const UpsertPoint& point) {
    if (!point.key.has_value()) {
      return FieldError(Field(item, "id"), reason::kBadId,
                        "must be a number or a UUID of exactly 16 bytes");
    }
    if (point.payload.size() > limits::kPayloadBytesMax) {
      return FieldError(Field(item, "payload"), reason::kPayloadTooLarge,
                        fmt::format("has {} bytes, at most {} are taken", point.payload.size(),
                                    limits::kPayloadBytesMax));
    }
    if (const auto values = ReadIndexedValues(point.payload, schema_); !values.ok()) {
      return AtField(values.status(), Field(item, "payload"));
    }
    if (point.if_version == kNoVersionCondition) {
      return FieldError(Field(item, "if_version"), reason::kBadRequest,
                        "2^64-1 is no version; leave it out to write in any case");
    }
    const absl::Status vector =
        AppendVector(shape_, point.vector, VectorUse::kStored, batch_.vectors);
    if (vector.ok()) return vector;
    return AtField(vector, Field(item, "vector"));
  }

  void Refuse(uint32_t item, absl::Status status) {
    if (batch_.refused.empty()) {  // from here on operations and items differ
      batch_.places.resize(batch_.operations());
      for (uint32_t i = 0; i < batch_.places.size(); ++i) batch_.places[i] = i;
    }
    batch_.refused.emplace_back(item, std::move(status));
  }

  // Both lists begin with the first point that needs them.
  void AddPayload(std::string_view payload) {
    if (batch_.payload_sizes.empty() && payload.empty()) return;
    batch_.payload_sizes.resize(batch_.operations() - 1);
    batch_.payload_sizes.push_back(static_cast<uint32_t>(payload.size()));
    batch_.payloads.append(payload);
  }
  void AddCondition(std::optional<uint64_t> if_version) {
    if (batch_.if_versions.empty() && !if_version.has_value()) return;
    batch_.if_versions.resize(batch_.operations() - 1, kNoVersionCondition);
    batch_.if_versions.push_back(if_version.value_or(kNoVersionCondition));
  }

  const VectorShape shape_;
  const PayloadSchema& schema_;
  const bool has_columns_;
  WriteBatch batch_;
};

}  // namespace

absl::Status CheckRequestId(const std::string& request_id) {
  if (request_id.empty() || request_id.size() == limits::kRequestIdBytes) return absl::OkStatus();
  return FieldError("request_id", reason::kBadRequest,
                    fmt::format("has {} bytes; send {} of your choice, or none", request_id.size(),
                                limits::kRequestIdBytes));
}

absl::Status CheckChange(WriteKind kind, const std::string& change, const PayloadSchema& schema,
                         std::string_view field) {
  if (change.size() > limits::kPayloadBytesMax) {
    return FieldError(
        field, reason::kPayloadTooLarge,
        fmt::format("has {} bytes, at most {} are taken", change.size(), limits::kPayloadBytesMax));
  }
  if (kind == WriteKind::kMergePayload) {
    if (absl::Status bad = CheckPayloadChange(change); !bad.ok()) return AtField(bad, field);
  }
  const auto values = ReadIndexedValues(change, schema);
  return values.ok() ? absl::OkStatus() : AtField(values.status(), field);
}

absl::StatusOr<WriteBatch> MakeUpsertBatch(const UpsertCall& call, const CollectionRecord& record) {
  const VectorShape shape = ShapeOf(record);
  KITH_RETURN_IF_ERROR(CheckCall(call, shape));
  if (!call.columns.has_value()) {
    BatchBuilder builder(record, call, call.points.size());
    for (uint32_t i = 0; i < call.points.size(); ++i) builder.Add(i, call.points[i]);
    return builder.Take();
  }
  const UpsertColumns& columns = *call.columns;
  const size_t bytes = shape.stored_bytes();
  BatchBuilder builder(record, call, columns.numbers.size());
  for (uint32_t i = 0; i < columns.numbers.size(); ++i) {
    UpsertPoint point;
    point.key = PointKey::FromNumber(columns.numbers[i]);
    point.vector.data = columns.vectors.substr(i * bytes, bytes);
    if (!columns.payloads.empty()) point.payload = columns.payloads[i];
    builder.Add(i, point);
  }
  return builder.Take();
}

absl::StatusOr<WriteBatch> MakeDeleteBatch(const DeleteCall& call) {
  KITH_RETURN_IF_ERROR(CheckRequestId(call.request_id));
  KITH_RETURN_IF_ERROR(CheckCount("ids", call.keys.size()));
  WriteBatch batch;
  batch.kind = WriteKind::kDelete;
  batch.items = call.keys.size();
  batch.keys.reserve(call.keys.size() * PointKey::kSize);
  for (const PointKey& key : call.keys) batch.keys.append(key.view());
  return batch;
}

absl::StatusOr<WriteBatch> MakeChangeBatch(const ChangePayloadCall& call,
                                           const CollectionRecord& record) {
  KITH_RETURN_IF_ERROR(CheckRequestId(call.request_id));
  KITH_RETURN_IF_ERROR(CheckCount("ids", call.keys.size()));
  KITH_RETURN_IF_ERROR(
      CheckChange(call.kind, call.change, record.payload_fields, call.change_field));
  if (!call.if_versions.empty() && call.if_versions.size() != call.keys.size()) {
    return FieldError("if_versions", reason::kBadRequest,
                      fmt::format("has {} entries for {} ids; send none or one an id",
                                  call.if_versions.size(), call.keys.size()));
  }
  WriteBatch batch;
  batch.kind = call.kind;
  batch.change = call.change;
  batch.items = call.keys.size();
  std::unordered_set<std::string_view> seen;
  for (size_t i = 0; i < call.keys.size(); ++i) {
    if (!seen.insert(call.keys[i].view()).second) {
      return FieldError(
          fmt::format("ids[{}]", i), reason::kBadId,
          fmt::format("{} comes twice; name each point once", PointKeyToString(call.keys[i])));
    }
    batch.keys.append(call.keys[i].view());
  }
  for (const uint64_t version : call.if_versions) {
    batch.if_versions.push_back(version == 0 ? kNoVersionCondition : version);
  }
  return batch;
}

std::string BodyHash(const WriteBatch& batch, const CollectionRecord& record) {
  BodyHasher hasher;
  hasher.Add(record.incarnation.view());
  hasher.Add(&batch.kind, sizeof(batch.kind));
  const uint64_t items = batch.items;
  hasher.Add(&items, sizeof(items));
  hasher.Add(batch.places.data(), batch.places.size() * sizeof(uint32_t));
  hasher.Add(batch.keys);
  hasher.Add(batch.vectors);
  hasher.Add(batch.payload_sizes.data(), batch.payload_sizes.size() * sizeof(uint32_t));
  hasher.Add(batch.payloads);
  hasher.Add(batch.if_versions.data(), batch.if_versions.size() * sizeof(uint64_t));
  hasher.Add(batch.change);
  return hasher.Take();
}

}  // namespace kith::coordinator
