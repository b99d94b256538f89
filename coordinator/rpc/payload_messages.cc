#include "coordinator/rpc/payload_messages.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/payload_merge.h"
#include "common/rpc/filter_messages.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/point_messages.h"

namespace kith::coordinator::rpc {
namespace {

absl::Status Beside(std::string_view field, std::string_view other) {
  return FieldError(field, reason::kBadRequest,
                    fmt::format("comes with {}; send one of them", other));
}

// Of the requests by a filter: nothing that only ids have.
template <typename Request>
absl::StatusOr<SelectedWriteCall> SelectedFromProto(const Request& request) {
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  if (request.ids_size() > 0) return Beside("filter", "ids");
  SelectedWriteCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.filter, SharedFilter(&request.filter()));
  call.request_id = request.request_id();
  call.page_token = request.page_token();
  return call;
}

template <typename Request>
absl::StatusOr<ChangePayloadCall> ByIdsFromProto(const Request& request) {
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  if (!request.page_token().empty()) {
    return FieldError("page_token", reason::kBadRequest,
                      "is of a call with a filter, not with ids");
  }
  ChangePayloadCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.keys, KeysFromProto(request.ids(), "ids"));
  call.if_versions.assign(request.if_versions().begin(), request.if_versions().end());
  call.request_id = request.request_id();
  return call;
}

struct Change {
  WriteKind kind = WriteKind::kMergePayload;
  std::string bytes;
  std::string field;
};

template <typename Request>
absl::StatusOr<ChangeChoice> WithChange(const Request& request, Change change) {
  if (!request.has_filter()) {
    KITH_ASSIGN_OR_RETURN(ChangePayloadCall call, ByIdsFromProto(request));
    call.kind = change.kind;
    call.change = std::move(change.bytes);
    call.change_field = std::move(change.field);
    return call;
  }
  if (request.if_versions_size() > 0) return Beside("filter", "if_versions");
  KITH_ASSIGN_OR_RETURN(SelectedWriteCall call, SelectedFromProto(request));
  call.kind = change.kind;
  call.change = std::move(change.bytes);
  call.change_field = std::move(change.field);
  return call;
}

absl::Status CheckFields(const v1::ClearPayloadRequest& request) {
  if (request.fields_size() > static_cast<int>(limits::kClearedFieldsMax)) {
    return FieldError("fields", reason::kBatchTooLarge,
                      fmt::format("{} in one call, at most {} are taken; send them in several "
                                  "calls, or none to clear the whole payload",
                                  request.fields_size(), limits::kClearedFieldsMax));
  }
  for (int i = 0; i < request.fields_size(); ++i) {
    const size_t size = request.fields(i).size();
    if (size >= 1 && size <= limits::kKeywordBytesMax) continue;
    return FieldError(
        fmt::format("fields[{}]", i), reason::kBadRequest,
        fmt::format("has {} bytes, must have 1 to {}", size, limits::kKeywordBytesMax));
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Filter>> SharedFilter(const v1::Filter* filter) {
  if (filter == nullptr) return std::shared_ptr<const Filter>();
  KITH_ASSIGN_OR_RETURN(Filter plain, kith::rpc::FilterFromProto(*filter, "filter"));
  return std::make_shared<const Filter>(std::move(plain));
}

absl::StatusOr<DeleteChoice> FromProto(const v1::DeletePointsRequest& request) {
  if (request.has_filter()) {
    KITH_ASSIGN_OR_RETURN(SelectedWriteCall call, SelectedFromProto(request));
    call.kind = WriteKind::kDelete;
    return call;
  }
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  if (request.dry_run() || !request.page_token().empty() || request.has_sample()) {
    return FieldError("filter", reason::kBadRequest,
                      "is missing: dry_run, sample and page_token are of a delete by a filter");
  }
  DeleteCall call;
  call.collection = request.collection();
  KITH_ASSIGN_OR_RETURN(call.keys, KeysFromProto(request.ids(), "ids"));
  call.request_id = request.request_id();
  return call;
}

void ToProto(const DeleteAnswer& answer, v1::DeletePointsResponse* response) {
  response->set_deleted(answer.deleted);
  TokensToProto(answer.tokens, response->mutable_tokens());
}

void ToProto(const SelectedWriteAnswer& answer, v1::DeletePointsResponse* response) {
  response->set_deleted(answer.written);
  TokensToProto(answer.tokens, response->mutable_tokens());
  response->set_next_page_token(answer.next_page_token);
}

absl::StatusOr<ChangeChoice> FromProto(const v1::SetPayloadRequest& request) {
  switch (request.mode()) {
    case v1::PAYLOAD_MODE_MERGE:
      return WithChange(request, {WriteKind::kMergePayload, request.payload(), "payload"});
    case v1::PAYLOAD_MODE_REPLACE:
      return WithChange(request, {WriteKind::kReplacePayload, request.payload(), "payload"});
    default:
      return FieldError(
          "mode", reason::kBadRequest,
          fmt::format("{} is no payload mode of this server", static_cast<int>(request.mode())));
  }
}

absl::StatusOr<ChangeChoice> FromProto(const v1::ClearPayloadRequest& request) {
  KITH_RETURN_IF_ERROR(CheckFields(request));
  if (request.fields_size() == 0) {
    return WithChange(request, {WriteKind::kReplacePayload, "", "fields"});
  }
  const std::vector<std::string> fields(request.fields().begin(), request.fields().end());
  return WithChange(request, {WriteKind::kMergePayload, ClearingChange(fields), "fields"});
}

void ToProto(const UpsertAnswer& answer, v1::ChangePayloadResponse* response) {
  for (const absl::Status& status : answer.statuses) {
    google::rpc::Status* const message = response->add_statuses();
    if (!status.ok()) *message = kith::rpc::StatusToProto(status);
  }
  TokensToProto(answer.tokens, response->mutable_tokens());
  response->set_changed(answer.written);
  response->mutable_versions()->Add(answer.versions.begin(), answer.versions.end());
}

void ToProto(const SelectedWriteAnswer& answer, v1::ChangePayloadResponse* response) {
  TokensToProto(answer.tokens, response->mutable_tokens());
  response->set_changed(answer.written);
  response->set_next_page_token(answer.next_page_token);
}

absl::StatusOr<FacetPointsCall> FromProto(const v1::FacetPointsRequest& request) {
  KITH_RETURN_IF_ERROR(CheckKnown(request));
  FacetPointsCall call;
  call.collection = request.collection();
  call.field = request.field();
  KITH_ASSIGN_OR_RETURN(call.filter,
                        SharedFilter(request.has_filter() ? &request.filter() : nullptr));
  if (request.has_limit()) call.limit = request.limit();
  KITH_ASSIGN_OR_RETURN(call.tokens, TokensFromProto(request.tokens(), "tokens"));
  return call;
}

void ToProto(const FacetAnswer& answer, v1::FacetPointsResponse* response) {
  for (const FacetAnswer::Value& one : answer.values) {
    v1::FacetValue* const value = response->add_values();
    kith::rpc::ValueToProto(one.value, value->mutable_value());
    value->set_count(one.count);
  }
  response->set_distinct(answer.distinct);
}

}  // namespace kith::coordinator::rpc
