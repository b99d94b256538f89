#ifndef KITH_CLI_CLIENT_RPC_ERROR_H_
#define KITH_CLI_CLIENT_RPC_ERROR_H_

#include <grpcpp/support/status.h>

#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"

namespace kith::cli {

// What the server said, with its details as facts: the reason of ErrorInfo and its metadata, the
// fields of BadRequest, the delay of RetryInfo.
absl::Status FromRpcStatus(const grpc::Status& status);
// The same for one item of a batch.
absl::Status FromItemStatus(const google::rpc::Status& status);

// How long to wait before the same call may be tried again, the attempt counting from 1: the
// server's RetryInfo where it gave one, else a delay that doubles up to five seconds. nullopt where
// a repeat cannot help. `jitter` in [0, 1) spreads the callers out.
std::optional<std::chrono::milliseconds> RetryDelay(const absl::Status& status, int attempt,
                                                    double jitter);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_RPC_ERROR_H_
