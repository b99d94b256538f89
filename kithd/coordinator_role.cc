#include "kithd/coordinator_role.h"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include "common/base/executor.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/local_meta_store.h"
#include "common/rpc/grpc_server.h"
#include "common/rpc/tls_credentials.h"
#include "common/telemetry/log.h"
#include "common/telemetry/search_metrics.h"
#include "coordinator/admin/reconcile.h"
#include "coordinator/http/in_process_calls.h"
#include "coordinator/rpc/backups_handlers.h"
#include "coordinator/rpc/collections_handlers.h"
#include "coordinator/rpc/operations_handlers.h"
#include "coordinator/rpc/points_handlers.h"
#include "coordinator/rpc/search_handlers.h"
#include "coordinator/shard_client/grpc_shard_client.h"
#include "kithd/entrance.h"
#include "kithd/index_metrics.h"

namespace kith::kithd {

using coordinator::NodeServices;

namespace {

constexpr size_t kAdminThreads = 4;
constexpr size_t kTrainingThreads = 2;  // operations that run at once; they mostly wait for nodes
constexpr int kBackupNice = 10;
constexpr auto kOperationsPatience = std::chrono::seconds(5);

using Clients = std::map<std::string, std::unique_ptr<coordinator::GrpcShardClient>>;

Clients ClientsOf(const CoordinatorRoleOptions& options) {
  Clients clients;
  if (options.local_node != nullptr) return clients;
  for (const config::NodeAddress& node : options.config.cluster.nodes) {
    clients.emplace(node.name, std::make_unique<coordinator::GrpcShardClient>(
                                   node.address, rpc::NodeCredentialsOf(options.config.node.tls)));
  }
  return clients;
}

NodeServices NodesOf(const CoordinatorRoleOptions& options, const Clients& clients) {
  if (options.local_node != nullptr) return {{options.config.node.name, options.local_node}};
  NodeServices nodes;
  for (const auto& [name, client] : clients) nodes.emplace(name, client.get());
  return nodes;
}

coordinator::RecallSamplerOptions SamplerOptionsOf(const config::ServerConfig& config) {
  coordinator::RecallSamplerOptions options;
  options.one_in = config.recall.one_in;
  options.per_second_max = config.recall.per_second;
  options.window = config.recall.window;
  return options;
}

// What the indexes of a node may take, for choosing their parameters and refusing those that do not
// fit: as configured, else what the machine has beside the databases' memory where the node is this
// process. Of other machines nothing is known.
uint64_t NodeMemoryOf(const CoordinatorRoleOptions& options) {
  const uint64_t configured = options.config.limits.memory_mb << 20;
  if (configured != 0 || options.local_node == nullptr) return configured;
  const uint64_t machine = coordinator::MachineMemoryBytes();
  const uint64_t databases =
      (options.config.storage.write_buffer_mb + options.config.storage.block_cache_mb) << 20;
  return machine - std::min(machine / 2, databases);
}

coordinator::CollectionDefaults DefaultsOf(const CoordinatorRoleOptions& options) {
  return {static_cast<uint32_t>(options.config.collections.default_shards), NodeMemoryOf(options)};
}

rpc::CallGateOptions GateOptionsOf(const Entrance& entrance, const coordinator::ClusterMap& map) {
  rpc::CallGateOptions options = entrance.gate_options();
  options.resolve = [&map](const std::string& name) { return map.Resolve(name); };
  return options;
}

absl::StatusOr<std::unique_ptr<LocalMetaStore>> OpenMeta(const std::string& data) {
  std::error_code error;
  std::filesystem::create_directories(data, error);
  if (error) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                 fmt::format("cannot create the data directory {}: {}; choose another one or give "
                             "this user the right to write there",
                             data, error.message()));
  }
  return LocalMetaStore::Open({.directory = data + "/meta"});
}

}  // namespace

// In the order in which they are needed: each uses only what stands above it, and goes before it.
struct CoordinatorRole::Parts {
  struct Opened {
    std::unique_ptr<LocalMetaStore> meta;
    std::unique_ptr<Entrance> entrance;
  };
  Parts(const CoordinatorRoleOptions& options, const Surroundings& around, Opened opened)
      : entrance(std::move(opened.entrance)),
        meta(std::move(opened.meta)),
        clients(ClientsOf(options)),
        catalog({.meta = meta.get(),
                 .map = &map,
                 .nodes = NodesOf(options, clients),
                 .clock = &around.clock,
                 .timing = {}}),
        operations(around.clock),
        reconciler(catalog, operations),
        collections(catalog, operations, DefaultsOf(options)),
        training(catalog, operations, jobs, NodeMemoryOf(options)),
        versions(catalog, operations),
        payload_indexes(catalog, operations),
        backups({catalog, collections, operations, options.backups}, backup_jobs),
        recall(map, timer, around.clock, SamplerOptionsOf(options.config)),
        search_metrics(around.metrics),
        search(map, timer, around.clock,
               {[this](const telemetry::SearchObservation& seen) { search_metrics.Observe(seen); },
                [this](const coordinator::AnsweredSearch& search) { recall.Offer(search); }}),
        write(map, timer, around.clock),
        get(map, timer, around.clock, admin),
        scroll(map, timer, around.clock),
        quiet_search(map, timer, around.clock),
        duplicates({map, operations, scroll, quiet_search, around.clock}),
        gate(GateOptionsOf(*entrance, map)),
        calls(&around.requests, &admin, &gate),
        search_handlers({search, duplicates, operations}, calls),
        points_handlers({write, get, scroll}, calls),
        collections_handlers({collections, training, versions, payload_indexes}, calls),
        operations_handlers(operations, map, calls),
        backups_handlers(backups, calls) {}

  const std::unique_ptr<Entrance> entrance;
  const std::unique_ptr<LocalMetaStore> meta;
  const Clients clients;
  coordinator::ClusterMap map;
  coordinator::DeadlineTimer timer;
  coordinator::Catalog catalog;
  coordinator::Operations operations;
  Executor jobs{{"kith-train", kTrainingThreads, limits::kAdminQueueMax}};
  // One at a time, and behind whatever else wants the processor.
  Executor backup_jobs{{"kith-backup", 1, limits::kAdminQueueMax, kBackupNice}};
  Executor admin{{"kith-admin", kAdminThreads, limits::kAdminQueueMax}};
  coordinator::Reconciler reconciler;
  coordinator::CollectionService collections;
  coordinator::TrainService training;
  coordinator::IndexVersionService versions;
  coordinator::PayloadIndexService payload_indexes;
  coordinator::BackupService backups;
  coordinator::RecallSampler recall;
  telemetry::SearchMetrics search_metrics;
  coordinator::SearchService search;
  const coordinator::WriteService write;
  const coordinator::GetService get;
  const coordinator::ScrollService scroll;
  coordinator::SearchService quiet_search;  // of operations: no user's search
  coordinator::DuplicateService duplicates;
  rpc::CallGate gate;
  const rpc::UnaryCalls calls;
  coordinator::rpc::SearchHandlers search_handlers;
  coordinator::rpc::PointsHandlers points_handlers;
  coordinator::rpc::CollectionsHandlers collections_handlers;
  coordinator::rpc::OperationsHandlers operations_handlers;
  coordinator::rpc::BackupsHandlers backups_handlers;
  std::unique_ptr<rpc::GrpcServer> server;
  mutable std::atomic<bool> has_been_ready{false};

  void AddMetrics(telemetry::Metrics& metrics);
};

void CoordinatorRole::Parts::AddMetrics(telemetry::Metrics& metrics) {
  metrics.PullGauges({"kith_points", "Live points, as last heard of."}, [this] {
    std::vector<telemetry::Sample> samples;
    for (const auto& entry : map.List()) {
      samples.push_back(
          {{{"collection", entry->record.name}}, static_cast<double>(entry->LivePoints())});
    }
    return samples;
  });
  metrics.PullGauges({"kith_index_version_info", "The index version that serves."}, [this] {
    std::vector<telemetry::Sample> samples;
    for (const auto& entry : map.List()) {
      samples.push_back(
          {{{"collection", entry->record.name}, {"version", entry->record.serving_version}}, 1});
    }
    return samples;
  });
  metrics.PullGauges({"kith_node_reachable", "1 where the last look at the node succeeded."},
                     [this] {
                       std::vector<telemetry::Sample> samples;
                       for (const coordinator::NodeHealth& node : reconciler.nodes()) {
                         samples.push_back({{{"node", node.node}}, node.reachable ? 1.0 : 0.0});
                       }
                       return samples;
                     });
  metrics.PullGauges({"kith_cluster_shards", "Shards placed on the node."}, [this] {
    std::vector<telemetry::Sample> samples;
    for (const coordinator::NodeHealth& node : reconciler.nodes()) {
      samples.push_back({{{"node", node.node}}, static_cast<double>(node.shards)});
    }
    return samples;
  });
  metrics.PullGauges({"kith_cluster_shards_ready", "Shards of the node that serve."}, [this] {
    std::vector<telemetry::Sample> samples;
    for (const coordinator::NodeHealth& node : reconciler.nodes()) {
      samples.push_back({{{"node", node.node}}, static_cast<double>(node.shards_ready)});
    }
    return samples;
  });
  metrics.PullGauges({"kith_admin_queue_length", "Administrative calls that wait."}, [this] {
    return std::vector<telemetry::Sample>{{{}, static_cast<double>(admin.queued())}};
  });
  metrics.PullCounters(
      {"kith_search_throttled_total", "Searches refused before overloaded shards were asked."},
      [this] {
        return std::vector<telemetry::Sample>{{{}, static_cast<double>(search.throttled())}};
      });
  metrics.PullGauges({"kith_calls_in_flight", "Calls that wait for their shards."}, [this] {
    return std::vector<telemetry::Sample>{{{}, static_cast<double>(timer.pending())}};
  });
  AddIndexMetrics(metrics, reconciler);
  AddRecallMetrics(metrics, recall, map);
}

absl::StatusOr<std::unique_ptr<CoordinatorRole>> CoordinatorRole::Start(
    const CoordinatorRoleOptions& options, const Surroundings& around) {
  const auth::TlsFiles& node_tls = options.config.node.tls;
  if (options.local_node == nullptr && node_tls.is_on()) {
    KITH_RETURN_IF_ERROR(auth::CheckTlsFiles(node_tls));
  }
  Parts::Opened opened;
  KITH_ASSIGN_OR_RETURN(opened.entrance, Entrance::Open(options.config.auth, around));
  KITH_ASSIGN_OR_RETURN(opened.meta, OpenMeta(options.config.data.directory));
  auto parts = std::make_unique<Parts>(options, around, std::move(opened));
  KITH_RETURN_IF_ERROR(parts->reconciler.RunOnce());
  parts->reconciler.Start();
  KITH_ASSIGN_OR_RETURN(parts->server, rpc::GrpcServer::Start(
                                           {options.config.grpc.listen,
                                            {&parts->search_handlers, &parts->points_handlers,
                                             &parts->collections_handlers,
                                             &parts->operations_handlers, &parts->backups_handlers},
                                            options.config.grpc.tls}));
  spdlog::info("event=listening what=clients address={} port={}", options.config.grpc.listen,
               parts->server->port());
  parts->AddMetrics(around.metrics);
  return std::unique_ptr<CoordinatorRole>(new CoordinatorRole(std::move(parts)));
}

CoordinatorRole::CoordinatorRole(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CoordinatorRole::~CoordinatorRole() = default;

PartReadiness CoordinatorRole::readiness() const {
  // Start has made the first pass.
  uint32_t shards = 0;
  uint32_t shards_ready = 0;
  std::string first_trouble;
  for (const coordinator::NodeHealth& node : parts_->reconciler.nodes()) {
    shards += node.shards;
    shards_ready += node.shards_ready;
    if (node.shards_ready == node.shards || !first_trouble.empty()) continue;
    first_trouble = fmt::format("node {}: {}", node.node, node.message);
  }
  if (shards == 0 || shards_ready > 0) parts_->has_been_ready = true;
  if (shards_ready == shards) return {parts_->has_been_ready, ""};
  return {parts_->has_been_ready,
          fmt::format("{} of {} shards serve; {}", shards_ready, shards, first_trouble)};
}

void CoordinatorRole::RefreshEntrance() { parts_->entrance->Refresh(); }

void CoordinatorRole::SetHealth(Health health) {
  parts_->server->SetHealth(health == Health::kServing ? rpc::GrpcServer::Health::kServing
                                                       : rpc::GrpcServer::Health::kNotServing);
}

std::shared_ptr<http::RestCalls> CoordinatorRole::MakeRestCalls() {
  return std::make_shared<http::InProcessCalls>(parts_->server->InProcessChannel());
}

void CoordinatorRole::EndCalls(Deadline deadline) {
  parts_->calls.Drain(deadline);
  parts_->server->Shutdown(deadline);
}

void CoordinatorRole::EndOperations() {
  parts_->recall.Stop();
  parts_->reconciler.Stop();
  if (!parts_->operations.Close(kOperationsPatience)) {
    spdlog::warn("event=stop_waits text=\"an operation waits for a call to a node\"");
  }
  parts_->jobs.Stop();
  parts_->payload_indexes.Stop();
  parts_->duplicates.Stop();
  parts_->backup_jobs.Stop();
  parts_->admin.Stop();
}

}  // namespace kith::kithd
