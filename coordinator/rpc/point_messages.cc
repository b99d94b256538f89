#include "coordinator/rpc/point_messages.h"

#include <fmt/format.h>
#include <google/protobuf/message.h>
#include <google/protobuf/unknown_field_set.h>

#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/payload_messages.h"

namespace kith::coordinator::rpc {
namespace {

constexpr size_t kUuidBytes = 16;

absl::Status CheckCount(std::string_view field, int count, size_t most) {
  if (static_cast<size_t>(count) <= most) return absl::OkStatus();
  return FieldError(
      field, reason::kBatchTooLarge,
      fmt::format("{} in one call, at most {} are taken; send them in several calls", count, most));
}

absl::StatusOr<WriteKind> ModeFromProto(v1::WriteMode mode) {
  switch (mode) {
    case v1::WRITE_MODE_UPSERT:
      return WriteKind::kUpsert;
    case v1::WRITE_MODE_INSERT_ONLY:
      return WriteKind::kInsertOnly;
    case v1::WRITE_MODE_UPDATE_ONLY:
      return WriteKind::kUpdateOnly;
    default:
      return FieldError("mode", reason::kBadRequest,
                        fmt::format("{} is no write mode of this server", static_cast<int>(mode)));
  }
}

absl::StatusOr<WritePriority> PriorityFromProto(v1::WritePriority priority) {
  switch (priority) {
    case v1::WRITE_PRIORITY_INTERACTIVE:
      return WritePriority::kInteractive;
    case v1::WRITE_PRIORITY_IMPORT:
      return WritePriority::kImport;
    default:
      return FieldError(
          "priority", reason::kBadRequest,
          fmt::format("{} is no write priority of this server", static_cast<int>(priority)));
  }
}

UpsertPoint PointFromProto(const v1::Point& point) {
  UpsertPoint plain;
  plain.key = KeyFromProto(point.id());
  plain.vector = VectorFromProto(point.vector());
  plain.payload = point.payload();
  if (point.has_if_version()) plain.if_version = point.if_version();
  return plain;
}

UpsertColumns ColumnsFromProto(const v1::PointColumns& columns) {
  UpsertColumns plain;
  plain.numbers = {columns.numbers().data(), static_cast<size_t>(columns.numbers_size())};
  plain.vectors = columns.vectors();
  plain.payloads.assign(columns.payloads().begin(), columns.payloads().end());
  return plain;
}

}  // namespace

std::optional<PointKey> KeyFromProto(const v1::PointId& id) {
  if (id.has_number()) return PointKey::FromNumber(id.number());
  if (id.has_uuid() && id.uuid().size() == kUuidBytes) return PointKey::FromUuid(id.uuid());
  return std::nullopt;
}

void KeyToProto(const PointKey& key, v1::PointId* id) {
  if (key.is_number()) {
    id->set_number(key.number());
  } else {
    id->set_uuid(std::string(key.uuid()));
  }
}

absl::StatusOr<std::vector<PointKey>> KeysFromProto(
    const google::protobuf::RepeatedPtrField<v1::PointId>& ids, std::string_view field) {
  KITH_RETURN_IF_ERROR(CheckCount(field, ids.size(), limits::kPointsPerCallMax));
  std::vector<PointKey> keys;
  keys.reserve(static_cast<size_t>(ids.size()));
  for (int i = 0; i < ids.size(); ++i) {
    const std::optional<PointKey> key = KeyFromProto(ids[i]);
    if (!key.has_value()) {
      return FieldError(fmt::format("{}[{}]", field, i), reason::kBadId,
                        "must be a number or a UUID of exactly 16 bytes");
    }
    keys.push_back(*key);
  }
  return keys;
}

VectorInput VectorFromProto(const v1::Vector& vector) {
  return {vector.data(), {vector.values().data(), static_cast<size_t>(vector.values_size())}};
}

absl::StatusOr<std::vector<WriteToken>> TokensFromProto(
    const google::protobuf::RepeatedPtrField<v1::WriteToken>& tokens, std::string_view field) {
  KITH_RETURN_IF_ERROR(CheckCount(field, tokens.size(), limits::kTokensMax));
  std::vector<WriteToken> plain;
  plain.reserve(static_cast<size_t>(tokens.size()));
  for (const v1::WriteToken& token : tokens) {
    plain.push_back({token.shard(), token.epoch(), token.lsn()});
  }
  return plain;
}

void TokensToProto(const std::vector<WriteToken>& tokens,
                   google::protobuf::RepeatedPtrField<v1::WriteToken>* to) {
  for (const WriteToken& token : tokens) {
    v1::WriteToken* const message = to->Add();
    message->set_shard(token.shard);
    message->set_epoch(token.epoch);
    message->set_lsn(token.lsn);
  }
}

absl::StatusOr<UpsertCall> FromProto(const v1::UpsertRequest& request) {
  KITH_RETURN_IF_ERROR(CheckCount("points", request.points_size(), limits::kPointsPerCallMax));
  KITH_RETURN_IF_ERROR(
      CheckCount("columns.payloads", request.columns().payloads_size(), limits::kPointsPerCallMax));
  UpsertCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.mode, ModeFromProto(request.mode()));
  KITH_ASSIGN_OR_RETURN(call.priority, PriorityFromProto(request.priority()));
  call.request_id = request.request_id();
  call.points.reserve(static_cast<size_t>(request.points_size()));
  for (const v1::Point& point : request.points()) call.points.push_back(PointFromProto(point));
  if (request.has_columns()) call.columns = ColumnsFromProto(request.columns());
  return call;
}

void ToProto(const UpsertAnswer& answer, v1::UpsertResponse* response) {
  response->mutable_statuses()->Reserve(static_cast<int>(answer.statuses.size()));
  for (const absl::Status& status : answer.statuses) {
    google::rpc::Status* const message = response->add_statuses();
    if (!status.ok()) *message = kith::rpc::StatusToProto(status);
  }
  TokensToProto(answer.tokens, response->mutable_tokens());
  response->set_written(answer.written);
  response->mutable_versions()->Add(answer.versions.begin(), answer.versions.end());
}

absl::StatusOr<CountCall> FromProto(const v1::CountPointsRequest& request) {
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  CountCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.filter,
                        SharedFilter(request.has_filter() ? &request.filter() : nullptr));
  return call;
}

void ToProto(uint64_t count, v1::CountPointsResponse* response) { response->set_count(count); }

absl::StatusOr<GetPointsCall> FromProto(const v1::GetPointsRequest& request) {
  GetPointsCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.keys, KeysFromProto(request.ids(), "ids"));
  call.with_vector = request.with_vector();
  call.with_payload = request.with_payload();
  KITH_ASSIGN_OR_RETURN(call.tokens, TokensFromProto(request.tokens(), "tokens"));
  return call;
}

void GetToProto(const std::vector<PointKey>& keys, const PointRows& points,
                v1::GetPointsResponse* response) {
  for (size_t i = 0; i < keys.size(); ++i) {
    const PointRows::Row& row = points.rows[i];
    if (!row.is_found) {
      KeyToProto(keys[i], response->add_missing());
      continue;
    }
    v1::StoredPoint* const point = response->add_points();
    KeyToProto(keys[i], point->mutable_id());
    point->set_version(row.version);
    if (!row.vector.empty()) point->mutable_vector()->set_data(std::string(row.vector));
    point->set_payload(std::string(row.payload));
  }
}

absl::Status CheckKnown(const google::protobuf::Message& request) {
  const google::protobuf::UnknownFieldSet& unknown =
      request.GetReflection()->GetUnknownFields(request);
  if (unknown.empty()) return absl::OkStatus();
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("the request has a field of number {}, which this server does not know: "
                           "without it the answer would be to another question; leave it out "
                           "or use a newer server",
                           unknown.field(0).number()));
}

absl::StatusOr<ScrollPointsCall> FromProto(const v1::ScrollPointsRequest& request) {
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  ScrollPointsCall call;
  call.collection = request.collection();
  if (request.has_limit()) call.limit = request.limit();
  call.page_token = request.page_token();
  call.with_vector = request.with_vector();
  call.with_payload = request.with_payload();
  KITH_ASSIGN_OR_RETURN(call.tokens, TokensFromProto(request.tokens(), "tokens"));
  KITH_ASSIGN_OR_RETURN(call.filter,
                        SharedFilter(request.has_filter() ? &request.filter() : nullptr));
  return call;
}

void ToProto(const ScrollPage& page, v1::ScrollPointsResponse* response) {
  for (const ScrollReply& part : page.parts) {
    size_t payload_at = 0;
    for (size_t i = 0; i < part.versions.size(); ++i) {
      v1::StoredPoint* const point = response->add_points();
      KeyToProto(PointKey::FromBytes(part.keys.data() + i * PointKey::kSize), point->mutable_id());
      point->set_version(part.versions[i]);
      if (!part.vectors.empty()) {
        point->mutable_vector()->set_data(part.vectors.data() + i * page.vector_bytes,
                                          page.vector_bytes);
      }
      if (part.payload_sizes.empty()) continue;
      point->set_payload(part.payloads.data() + payload_at, part.payload_sizes[i]);
      payload_at += part.payload_sizes[i];
    }
  }
  response->set_next_page_token(page.next_page_token);
}

void ToProto(const ScrollPage& page, v1::DeletePointsResponse* response) {
  for (const ScrollReply& part : page.parts) {
    for (size_t at = 0; at < part.keys.size(); at += PointKey::kSize) {
      KeyToProto(PointKey::FromBytes(part.keys.data() + at), response->add_sample());
    }
  }
}

}  // namespace kith::coordinator::rpc
