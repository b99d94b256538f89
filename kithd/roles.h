#ifndef KITH_KITHD_ROLES_H_
#define KITH_KITHD_ROLES_H_

#include <atomic>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "common/auth/tls_identity.h"
#include "common/config/server_config.h"
#include "common/telemetry/metrics.h"
#include "common/telemetry/request_metrics.h"
#include "coordinator/http/http_server.h"
#include "coordinator/http/rest_gateway.h"
#include "kithd/certificate_watch.h"
#include "kithd/coordinator_role.h"
#include "kithd/shard_role.h"
#include "kithd/surroundings.h"

namespace kith::kithd {

// The whole process: HTTP from the first moment, then what its role asks for. Role all is the node
// and the coordinator side by side, which call each other directly.
//
// Threads: one at a time (the HTTP pages apart).
class Process {
 public:
  // One clear error where a port is taken, the directory is in use, of another format, or cannot
  // be written.
  static absl::StatusOr<std::unique_ptr<Process>> Start(const config::ServerConfig& config);
  ~Process();

  // Lets the gRPC health service follow the readiness, and logs when it, or its reason, changes.
  // True where the process is ready.
  bool UpdateHealth();
  // Takes up keys that have changed, and says what becomes of certificates that have.
  void RefreshFiles();
  // NOT_SERVING and not ready at once; then the calls under way end, within grpc.drain_seconds;
  // then everything is flushed.
  absl::Status Stop();

 private:
  explicit Process(const config::ServerConfig& config);
  absl::Status StartHttp();
  absl::Status StartRoles();
  http::Readiness Ready();
  void SetHealth(Health health);

  const config::ServerConfig config_;
  CertificateWatch certificates_;
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::RequestMetrics requests_{metrics_};
  std::unique_ptr<ShardRole> shard_;
  std::unique_ptr<CoordinatorRole> coordinator_;
  enum class Stage { kStarting, kRunning, kStopping };
  std::atomic<Stage> stage_{Stage::kStarting};
  bool is_serving_ = false;
  std::string trouble_;                                   // as last logged
  std::unique_ptr<http::RestGateway> rest_;               // null in role shard
  std::unique_ptr<auth::WatchedIdentity> http_identity_;  // null: plain text
  std::unique_ptr<http::HttpServer> http_;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_ROLES_H_
