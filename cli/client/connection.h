#ifndef KITH_CLI_CLIENT_CONNECTION_H_
#define KITH_CLI_CLIENT_CONNECTION_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>

#include <chrono>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/client/rpc_error.h"

namespace kith::cli {

inline constexpr char kDefaultEndpoint[] = "127.0.0.1:7430";
inline constexpr std::chrono::milliseconds kCallDeadline{20'000};

// A connection of its own: two channels to one endpoint never share a socket. Nothing is sent until
// the first call. The usage error names --endpoint.
absl::StatusOr<std::shared_ptr<grpc::Channel>> OpenChannel(const std::string& endpoint);

// One unary call with a deadline: invoke(grpc::ClientContext*) -> grpc::Status.
template <typename Invoke>
absl::Status CallServer(std::chrono::milliseconds deadline, Invoke invoke) {
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + deadline);
  return FromRpcStatus(invoke(&context));
}

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_CONNECTION_H_
