#ifndef KITH_KITHD_SHARD_ROLE_H_
#define KITH_KITHD_SHARD_ROLE_H_

#include <memory>

#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/config/server_config.h"
#include "kithd/surroundings.h"
#include "shard/backup/node_backups.h"
#include "shard/node.h"
#include "shard/rpc/shard_node_server.h"
#include "shard/search/card_pool.h"

namespace kith::kithd {

// The node and, where the role is shard, its port.
class ShardRole {
 public:
  // Returns when every shard is loaded or has failed.
  static absl::StatusOr<std::unique_ptr<ShardRole>> Start(const config::ServerConfig& config,
                                                          const Surroundings& around);

  shard::Node& node() { return *node_; }
  storage::FileSystem& files() { return *files_; }
  LocalBackups* backups() { return backups_.get(); }  // null where none are configured
  // Ready where it serves any shard, or holds none: one copy that cannot be opened must not take
  // the others out of service.
  PartReadiness readiness() const;
  void SetHealth(Health health);
  // Refuses new calls from now on.
  void Drain() { node_->Drain(); }
  // Ends the calls, then checkpoints and flushes.
  absl::Status Stop(Deadline deadline);

 private:
  ShardRole() = default;
  void AddMetrics(telemetry::Metrics& metrics);
  void AddMemoryMetrics(telemetry::Metrics& metrics);
  void AddUpkeepMetrics(telemetry::Metrics& metrics);

  std::unique_ptr<storage::FileSystem> files_;
  std::shared_ptr<shard::CardPool> cards_;  // null: none
  std::unique_ptr<shard::Node> node_;
  std::unique_ptr<shard::NodeBackups> backups_;
  std::unique_ptr<shard::ShardNodeServer>
      server_;  // null where coordinator and node share a process
};

}  // namespace kith::kithd

#endif  // KITH_KITHD_SHARD_ROLE_H_
