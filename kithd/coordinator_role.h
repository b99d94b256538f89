#ifndef KITH_KITHD_COORDINATOR_ROLE_H_
#define KITH_KITHD_COORDINATOR_ROLE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/config/server_config.h"
#include "common/shard_api/local_backups.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/http/rest_calls.h"
#include "kithd/surroundings.h"

namespace kith::kithd {

struct CoordinatorRoleOptions {
  const config::ServerConfig& config;
  // The node of this process, where it has one (role all); else one client a configured node.
  ShardService* local_node = nullptr;
  LocalBackups* backups = nullptr;  // of that node; null: none are made
};

// Metadata, the clients' services and their port.
class CoordinatorRole {
 public:
  static absl::StatusOr<std::unique_ptr<CoordinatorRole>> Start(
      const CoordinatorRoleOptions& options, const Surroundings& around);
  ~CoordinatorRole();

  // Ready once one look at every node has found a shard that serves (or that there are none to
  // look for): it can answer then, and says in each answer what is missing. Stays ready: a node
  // that goes away later changes its answers, not whether it gives them.
  PartReadiness readiness() const;
  void SetHealth(Health health);
  // How REST calls the services; to be let go before EndCalls has returned.
  std::shared_ptr<http::RestCalls> MakeRestCalls();
  // Takes up keys that have changed.
  void RefreshEntrance();
  // The two steps of a stop. Between them the node of this process refuses new calls, so that an
  // operation that works on it ends too.
  void EndCalls(Deadline deadline);
  void EndOperations();

 private:
  struct Parts;
  explicit CoordinatorRole(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_COORDINATOR_ROLE_H_
