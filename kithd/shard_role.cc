#include "kithd/shard_role.h"

#include <chrono>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::kithd {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;

shard::NodeOptions OptionsFrom(const config::ServerConfig& config) {
  shard::NodeOptions options;
  options.directory = config.data.directory;
  options.search_threads = config.search.threads;
  options.maintenance_threads = config.maintenance.threads;
  options.encode_threads = static_cast<int>(config.maintenance.encode_threads);
  options.write_buffer_bytes = config.storage.write_buffer_mb * kMegabyte;
  options.block_cache_bytes = config.storage.block_cache_mb * kMegabyte;
  options.admission.disk_reserve_bytes = config.storage.disk_reserve_mb * kMegabyte;
  options.admission.log_bytes_max = config.storage.log_max_mb * kMegabyte;
  options.checkpoint_log_bytes = config.storage.checkpoint_log_mb * kMegabyte;
  options.checkpoint_seconds = config.storage.checkpoint_seconds;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShardRole>> ShardRole::Start(const config::ServerConfig& config,
                                                            const Surroundings& around) {
  auto role = std::unique_ptr<ShardRole>(new ShardRole());
  role->files_ = storage::NewPosixFileSystem();
  shard::NodeOptions options = OptionsFrom(config);
  options.files = role->files_.get();
  options.clock = &around.clock;
  KITH_ASSIGN_OR_RETURN(role->node_, shard::Node::Open(options));
  if (config.role == config::Role::kShard) {
    KITH_ASSIGN_OR_RETURN(
        role->server_, shard::ShardNodeServer::Start(*role->node_, {.address = config.node.listen,
                                                                    .metrics = &around.requests}));
    spdlog::info("event=listening what=node address={} port={}", config.node.listen,
                 role->server_->port());
  }
  role->AddMetrics(around.metrics);
  return role;
}

void ShardRole::AddMetrics(telemetry::Metrics& metrics) {
  const auto value = [this](uint64_t shard::NodeHealth::*member) {
    return [this, member] {
      return std::vector<telemetry::Sample>{{{}, static_cast<double>(node_->health().*member)}};
    };
  };
  const auto pull = [&](const char* name, const char* help, uint64_t shard::NodeHealth::*member) {
    metrics.PullGauges({name, help}, value(member));
  };
  pull("kith_node_shards", "Shard copies of this node.", &shard::NodeHealth::shards);
  pull("kith_node_shards_ready", "Shard copies of this node that serve.",
       &shard::NodeHealth::shards_ready);
  pull("kith_node_points", "Live points of this node.", &shard::NodeHealth::live_points);
  pull("kith_wal_bytes", "Size of the node's operation log.", &shard::NodeHealth::log_bytes);
  pull("kith_disk_free_bytes", "Free space under the data directory.",
       &shard::NodeHealth::disk_free_bytes);
  pull("kith_search_queue_length", "Searches that wait for a thread.",
       &shard::NodeHealth::search_queue);
  const auto count = [&](const char* name, const char* help, uint64_t shard::NodeHealth::*member) {
    metrics.PullCounters({name, help}, value(member));
  };
  count("kith_checkpoint_failures_total", "Checkpoints that failed and are tried again.",
        &shard::NodeHealth::checkpoint_failures);
  count("kith_digest_repairs_total",
        "Rows or indexes that a start found other than the truth and made again.",
        &shard::NodeHealth::digest_repairs);
}

PartReadiness ShardRole::readiness() const {
  const shard::NodeHealth health = node_->health();
  return {health.ready, health.reason};
}

void ShardRole::SetHealth(Health health) {
  if (server_ == nullptr) return;
  if (health == Health::kServing) {
    server_->SetServing();
  } else {
    server_->SetNotServing();
  }
}

absl::Status ShardRole::Stop(Deadline deadline) {
  Drain();
  if (server_ != nullptr) server_->Shutdown(deadline);
  return node_->Close();
}

}  // namespace kith::kithd
