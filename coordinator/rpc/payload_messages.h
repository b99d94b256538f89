#ifndef KITH_COORDINATOR_RPC_PAYLOAD_MESSAGES_H_
#define KITH_COORDINATOR_RPC_PAYLOAD_MESSAGES_H_

#include <cstdint>
#include <memory>
#include <string>
#include <variant>

#include "absl/status/statusor.h"
#include "common/payload/filter.h"
#include "coordinator/read/get_service.h"
#include "coordinator/write/upsert_call.h"
#include "kith/v1/points.pb.h"

// The calls of kith.v1.Points that name points by ids or by a filter, between messages and the
// plain structs. INVALID_ARGUMENT naming the field.
namespace kith::coordinator::rpc {

// Null where there is none.
absl::StatusOr<std::shared_ptr<const Filter>> SharedFilter(const v1::Filter* filter);

using DeleteChoice = std::variant<DeleteCall, SelectedWriteCall>;
absl::StatusOr<DeleteChoice> FromProto(const v1::DeletePointsRequest& request);
void ToProto(const DeleteAnswer& answer, v1::DeletePointsResponse* response);
void ToProto(const SelectedWriteAnswer& answer, v1::DeletePointsResponse* response);

using ChangeChoice = std::variant<ChangePayloadCall, SelectedWriteCall>;
absl::StatusOr<ChangeChoice> FromProto(const v1::SetPayloadRequest& request);
absl::StatusOr<ChangeChoice> FromProto(const v1::ClearPayloadRequest& request);
void ToProto(const UpsertAnswer& answer, v1::ChangePayloadResponse* response);
void ToProto(const SelectedWriteAnswer& answer, v1::ChangePayloadResponse* response);

absl::StatusOr<FacetPointsCall> FromProto(const v1::FacetPointsRequest& request);
void ToProto(const FacetAnswer& answer, v1::FacetPointsResponse* response);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_PAYLOAD_MESSAGES_H_
