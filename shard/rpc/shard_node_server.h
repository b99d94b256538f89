#ifndef KITH_SHARD_RPC_SHARD_NODE_SERVER_H_
#define KITH_SHARD_RPC_SHARD_NODE_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/auth/tls_files.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_service.h"
#include "common/telemetry/request_metrics.h"

namespace kith::shard {

struct ShardNodeServerOptions {
  std::string address;  // host:port; port 0: any free one
  size_t admin_threads = 4;
  telemetry::RequestMetrics* metrics = nullptr;
  auth::TlsFiles tls = {};
  // Of each stream; 0: call_stream.h's own.
  size_t held_calls_max = 0;
  size_t held_bytes_max = 0;
};

// A shard node's port: kith.v1.ShardNode, health and reflection over one ShardService, which
// outlives it. Threads: any.
class ShardNodeServer {
 public:
  // UNAVAILABLE where nobody can listen on the address.
  static absl::StatusOr<std::unique_ptr<ShardNodeServer>> Start(
      ShardService& service, const ShardNodeServerOptions& options);
  // As Shutdown, at once.
  ~ShardNodeServer();

  int port() const;
  // Health is NOT_SERVING until then.
  void SetServing();
  void SetNotServing();
  // No new calls, those running may end until `deadline`; when it returns the service is not used
  // any more.
  void Shutdown(Deadline deadline);

 private:
  struct Parts;
  explicit ShardNodeServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_RPC_SHARD_NODE_SERVER_H_
