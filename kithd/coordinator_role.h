#ifndef KITH_KITHD_COORDINATOR_ROLE_H_
#define KITH_KITHD_COORDINATOR_ROLE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/config/server_config.h"
#include "common/shard_api/shard_service.h"
#include "kithd/surroundings.h"

namespace kith::kithd {

struct CoordinatorRoleOptions {
  const config::ServerConfig& config;
  // The node of this process, where it has one (role all); else one client a configured node.
  ShardService* local_node = nullptr;
};

// Metadata, the clients' services and their port.
class CoordinatorRole {
 public:
  static absl::StatusOr<std::unique_ptr<CoordinatorRole>> Start(
      const CoordinatorRoleOptions& options, const Surroundings& around);
  ~CoordinatorRole();

  // Ready once every shard that the metadata names has been seen ready; a node that goes away later
  // does not make the coordinator unready: it can still answer, and says what is missing.
  PartReadiness readiness() const;
  enum class Health { kNotServing, kServing };
  void SetHealth(Health health);
  // Ends the calls and the operations that run.
  void Stop(Deadline deadline);

 private:
  struct Parts;
  explicit CoordinatorRole(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_COORDINATOR_ROLE_H_
