#ifndef KITH_COMMON_RPC_STATUS_CODES_H_
#define KITH_COMMON_RPC_STATUS_CODES_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace kith::rpc {

inline constexpr char kErrorDomain[] = "kith";

// An error's reason and facts travel as google.rpc.ErrorInfo (domain "kith"), its `field` fact also
// as BadRequest.field_violations, its `retry_after_ms` fact also as RetryInfo, its
// `quota` fact also as QuotaFailure of its `key`. Text is made valid
// UTF-8 and cut, because all of it is carried in HTTP/2 headers of at most 8 KiB.
google::rpc::Status StatusToProto(const absl::Status& status);
absl::Status StatusFromProto(const google::rpc::Status& status);

// The same through grpc-status, grpc-message and grpc-status-details-bin.
grpc::Status StatusToGrpc(const absl::Status& status);
absl::Status StatusFromGrpc(const grpc::Status& status);

// What the transport itself says carries no reason: UNAVAILABLE becomes SHARD_UNAVAILABLE and
// DEADLINE_EXCEEDED becomes DEADLINE, so that callers decide by reasons alone.
absl::Status WithTransportReason(absl::Status status);

// "OK", "INVALID_ARGUMENT", ...: the label of metrics.
const char* CodeName(absl::StatusCode code);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_STATUS_CODES_H_
