#include "kithd/shard_role.h"

#include <algorithm>
#include <chrono>
#include <utility>
#include <vector>

#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "kithd/card_metrics.h"
#include "kithd/queue_metrics.h"
#include "shard/search/card_choice.h"

namespace kith::kithd {
namespace {

constexpr uint64_t kMegabyte = 1 << 20;

shard::NodeOptions OptionsFrom(const config::ServerConfig& config) {
  shard::NodeOptions options;
  options.directory = config.data.directory;
  options.search_threads = config.search.threads;
  options.search_queue.wait_target = std::chrono::milliseconds(config.search.wait_target_ms);
  options.maintenance_threads = config.maintenance.threads;
  options.encode_threads = static_cast<int>(config.maintenance.encode_threads);
  options.write_buffer_bytes = config.storage.write_buffer_mb * kMegabyte;
  options.block_cache_bytes = config.storage.block_cache_mb * kMegabyte;
  options.log_write_buffer_bytes = config.storage.log_buffer_mb * kMegabyte;
  options.scrub_bytes_per_second = config.maintenance.scrub_mb_per_second * kMegabyte;
  options.scrub_every = std::chrono::minutes(config.maintenance.scrub_minutes);
  options.admission.disk_reserve_bytes = config.storage.disk_reserve_mb * kMegabyte;
  options.admission.log_bytes_max = config.storage.log_max_mb * kMegabyte;
  options.checkpoint_log_bytes = config.storage.checkpoint_log_mb * kMegabyte;
  options.checkpoint_seconds = config.storage.checkpoint_seconds;
  return options;
}

absl::StatusOr<std::shared_ptr<shard::CardPool>> OpenCards(const config::ServerConfig& config) {
  KITH_ASSIGN_OR_RETURN(shard::Cards cards,
                        shard::ChooseCards({shard::EngineNamed(config.search.engine),
                                            config.search.gpu_device, config.search.require_gpu},
                                           {index::gpu::FindCards, index::gpu::OpenCard}));
  if (cards.empty()) return nullptr;
  shard::CardWorkerOptions options;
  options.batching.wait_most = std::chrono::microseconds(config.search.gpu_wait_us);
  options.batching.full = static_cast<uint32_t>(config.search.gpu_batch);
  options.residency.limits.batch_max = options.batching.full;
  options.residency.threads = std::max(1, static_cast<int>(config.maintenance.encode_threads));
  options.is_required = config.search.require_gpu;
  std::vector<std::unique_ptr<shard::CardWorker>> workers;
  for (auto& card : cards) {
    workers.push_back(std::make_unique<shard::CardWorker>(std::move(card), options));
  }
  return std::make_shared<shard::CardPool>(std::move(workers));
}

std::unique_ptr<shard::NodeBackups> BackupsOf(const config::ServerConfig& config, shard::Node& node,
                                              storage::FileSystem& files, const Clock& clock) {
  if (config.backup.directory.empty()) return nullptr;
  shard::NodeBackupOptions options;
  options.directory = config.backup.directory;
  options.reserve_bytes = config.storage.disk_reserve_mb * kMegabyte;
  options.bytes_per_second = config.backup.mb_per_second * kMegabyte;
  return std::make_unique<shard::NodeBackups>(node, files, clock, std::move(options));
}

}  // namespace

absl::StatusOr<std::unique_ptr<ShardRole>> ShardRole::Start(const config::ServerConfig& config,
                                                            const Surroundings& around) {
  auto role = std::unique_ptr<ShardRole>(new ShardRole());
  role->files_ = storage::NewPosixFileSystem();
  shard::NodeOptions options = OptionsFrom(config);
  options.files = role->files_.get();
  options.clock = &around.clock;
  KITH_ASSIGN_OR_RETURN(role->cards_, OpenCards(config));
  options.cards = role->cards_;
  KITH_ASSIGN_OR_RETURN(role->node_, shard::Node::Open(options));
  role->backups_ = BackupsOf(config, *role->node_, *role->files_, around.clock);
  if (config.role == config::Role::kShard) {
    KITH_ASSIGN_OR_RETURN(
        role->server_, shard::ShardNodeServer::Start(*role->node_, {.address = config.node.listen,
                                                                    .metrics = &around.requests,
                                                                    .tls = config.node.tls}));
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
  const auto count = [&](const char* name, const char* help, uint64_t shard::NodeHealth::*member) {
    metrics.PullCounters({name, help}, value(member));
  };
  count("kith_checkpoint_failures_total", "Checkpoints that failed and are tried again.",
        &shard::NodeHealth::checkpoint_failures);
  count("kith_digest_repairs_total",
        "Rows or indexes that a start found other than the truth and made again.",
        &shard::NodeHealth::digest_repairs);
  AddQueueMetrics(metrics, *node_);
  AddMemoryMetrics(metrics);
  AddUpkeepMetrics(metrics);
  if (cards_ != nullptr) AddCardMetrics(metrics, cards_);
}

void ShardRole::AddMemoryMetrics(telemetry::Metrics& metrics) {
  metrics.PullGauges(
      {"kith_store_memory_bytes", "Memory of the node's databases, beside its indexes."}, [this] {
        const shard::NodeHealth health = node_->health();
        return std::vector<telemetry::Sample>{
            {{{"part", "write_buffers"}}, static_cast<double>(health.memory.write_buffers)},
            {{{"part", "block_cache"}}, static_cast<double>(health.memory.block_cache)},
            {{{"part", "log"}}, static_cast<double>(health.log_memory_bytes)}};
      });
}

void ShardRole::AddUpkeepMetrics(telemetry::Metrics& metrics) {
  const auto value = [this](auto read) {
    return [this, read] {
      return std::vector<telemetry::Sample>{
          {{}, static_cast<double>(read(node_->health().upkeep))}};
    };
  };
  using Figures = shard::UpkeepFigures;
  metrics.PullGauges({"kith_shard_dead_rows", "Dead rows that the row files still hold."},
                     value([](const Figures& upkeep) { return upkeep.dead_rows; }));
  metrics.PullGauges({"kith_index_segments", "Segments of all indexes: each search meets its own."},
                     value([](const Figures& upkeep) { return upkeep.segments; }));
  metrics.PullCounters({"kith_reclaimed_bytes_total", "Bytes of row files that were given back."},
                       value([](const Figures& upkeep) { return upkeep.reclaimed_bytes; }));
  metrics.PullCounters({"kith_scrub_bytes_total", "Bytes that were read again and compared."},
                       value([](const Figures& upkeep) { return upkeep.scrubbed_bytes; }));
  metrics.PullCounters({"kith_scrub_passes_total", "Shards that were read again from end to end."},
                       value([](const Figures& upkeep) { return upkeep.scrub_passes; }));
  metrics.PullCounters({"kith_damage_found_total", "Rows and files found damaged while serving."},
                       value([](const Figures& upkeep) { return upkeep.damage_found; }));
  metrics.PullCounters({"kith_damage_mended_total", "Of those, the ones that were written again."},
                       value([](const Figures& upkeep) { return upkeep.damage_mended; }));
  metrics.PullCounters({"kith_moved_rows_total", "Live rows moved out of extents of dead ones."},
                       value([](const Figures& upkeep) { return upkeep.moved_rows; }));
  metrics.PullCounters({"kith_compactions_total", "Merges of segments."},
                       value([](const Figures& upkeep) { return upkeep.merges; }));
  metrics.PullCounters({"kith_compacted_rows_total", "Rows that merges of segments copied."},
                       value([](const Figures& upkeep) { return upkeep.merged_rows; }));
  metrics.PullCounters({"kith_compaction_seconds_total", "Time that merges of segments took."},
                       value([](const Figures& upkeep) { return upkeep.merge_ns * 1e-9; }));
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
