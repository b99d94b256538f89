#ifndef KITH_COMMON_RPC_GRPC_SERVER_H_
#define KITH_COMMON_RPC_GRPC_SERVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/auth/tls_files.h"
#include "common/base/clock.h"

namespace grpc {
class Channel;
class Server;
class Service;
}  // namespace grpc

namespace kith::rpc {

struct GrpcServerOptions {
  std::string address;                   // host:port; port 0: any free one
  std::vector<grpc::Service*> services;  // callback services; they outlive the server
  auth::TlsFiles tls = {};               // none: plain text
};

// One listening gRPC server with the settings that every port of ours has: 64 MiB messages, no
// SO_REUSEPORT (a used port is an error), keepalive pings allowed, reflection, and health for "",
// "search" and "write", which starts as NOT_SERVING.
//
// Threads: one at a time.
class GrpcServer {
 public:
  // UNAVAILABLE where nobody can listen on the address; FAILED_PRECONDITION as CheckTlsFiles.
  static absl::StatusOr<std::unique_ptr<GrpcServer>> Start(const GrpcServerOptions& options);
  // As Shutdown, at once.
  ~GrpcServer();

  int port() const { return port_; }
  enum class Health { kNotServing, kServing };
  void SetHealth(Health health);
  // A way to the services without a socket, under the same limits and the same Shutdown as any
  // other (REST takes it). To be let go before this server.
  std::shared_ptr<grpc::Channel> InProcessChannel();

  // No new calls; those running may end until `deadline` and are cancelled then. Returns when every
  // call has ended. Again: nothing.
  void Shutdown(Deadline deadline);

 private:
  GrpcServer() = default;

  std::unique_ptr<grpc::Server> server_;
  int port_ = 0;
};

// gRPC's own messages go to our log at debug level instead of standard error.
void RouteGrpcLog();

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_GRPC_SERVER_H_
