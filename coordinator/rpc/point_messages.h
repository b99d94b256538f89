#ifndef KITH_COORDINATOR_RPC_POINT_MESSAGES_H_
#define KITH_COORDINATOR_RPC_POINT_MESSAGES_H_

#include <optional>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/vector/point_key.h"
#include "coordinator/read/get_service.h"
#include "coordinator/read/scroll_service.h"
#include "coordinator/search/vector_input.h"
#include "coordinator/search/write_token.h"
#include "coordinator/write/upsert_call.h"
#include "kith/v1/points.pb.h"
#include "kith/v1/types.pb.h"

// kith.v1.Points between messages and the plain structs. The structs view the messages. Lists are
// counted before anything is made of them: an empty message is two bytes on the wire and a hundred
// here.
namespace kith::coordinator::rpc {

// Nothing where the id is missing or its UUID has not 16 bytes.
std::optional<PointKey> KeyFromProto(const v1::PointId& id);
void KeyToProto(const PointKey& key, v1::PointId* id);
// INVALID_ARGUMENT BAD_ID naming `field`[i]; BATCH_TOO_LARGE for more than 10,000.
absl::StatusOr<std::vector<PointKey>> KeysFromProto(
    const google::protobuf::RepeatedPtrField<v1::PointId>& ids, std::string_view field);

VectorInput VectorFromProto(const v1::Vector& vector);

// INVALID_ARGUMENT BATCH_TOO_LARGE naming `field` for more than limits::kTokensMax.
absl::StatusOr<std::vector<WriteToken>> TokensFromProto(
    const google::protobuf::RepeatedPtrField<v1::WriteToken>& tokens, std::string_view field);
void TokensToProto(const std::vector<WriteToken>& tokens,
                   google::protobuf::RepeatedPtrField<v1::WriteToken>* to);

// INVALID_ARGUMENT BAD_REQUEST for a mode or priority that this server does not know;
// BATCH_TOO_LARGE for more points or payloads than a call may have.
absl::StatusOr<UpsertCall> FromProto(const v1::UpsertRequest& request);
void ToProto(const UpsertAnswer& answer, v1::UpsertResponse* response);

absl::StatusOr<CountCall> FromProto(const v1::CountPointsRequest& request);
void ToProto(uint64_t count, v1::CountPointsResponse* response);
absl::StatusOr<GetPointsCall> FromProto(const v1::GetPointsRequest& request);
// `points` has one row an id of the request.
void GetToProto(const std::vector<PointKey>& keys, const PointRows& points,
                v1::GetPointsResponse* response);

// INVALID_ARGUMENT BAD_REQUEST where the request has a field that this server does not know: to
// leave out a condition on points (a filter) would answer another question.
absl::Status CheckKnown(const google::protobuf::Message& request);

absl::StatusOr<ScrollPointsCall> FromProto(const v1::ScrollPointsRequest& request);
void ToProto(const ScrollPage& page, v1::ScrollPointsResponse* response);
// The sample of a dry run.
void ToProto(const ScrollPage& page, v1::DeletePointsResponse* response);

}  // namespace kith::coordinator::rpc

#endif  // KITH_COORDINATOR_RPC_POINT_MESSAGES_H_
