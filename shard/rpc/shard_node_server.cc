#include "shard/rpc/shard_node_server.h"

#include <utility>

#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/rpc/grpc_server.h"
#include "shard/rpc/shard_node_service.h"

namespace kith::shard {
namespace {

CallStreamOptions StreamOptions(const ShardNodeServerOptions& options) {
  CallStreamOptions streams;
  streams.metrics = options.metrics;
  if (options.held_calls_max != 0) streams.held_calls_max = options.held_calls_max;
  if (options.held_bytes_max != 0) streams.held_bytes_max = options.held_bytes_max;
  return streams;
}

}  // namespace

// In the order in which they are needed: the server goes first, the executor last.
struct ShardNodeServer::Parts {
  Parts(ShardService& shards, const ShardNodeServerOptions& options)
      : admin({"shard-admin", options.admin_threads, limits::kAdminQueueMax}),
        service(shards, rpc::UnaryCalls(options.metrics, &admin), StreamOptions(options)) {}

  Executor admin;
  ShardNodeService service;
  std::unique_ptr<rpc::GrpcServer> server;
};

absl::StatusOr<std::unique_ptr<ShardNodeServer>> ShardNodeServer::Start(
    ShardService& service, const ShardNodeServerOptions& options) {
  auto parts = std::make_unique<Parts>(service, options);
  KITH_ASSIGN_OR_RETURN(parts->server,
                        rpc::GrpcServer::Start({options.address, {&parts->service}, options.tls}));
  return std::unique_ptr<ShardNodeServer>(new ShardNodeServer(std::move(parts)));
}

ShardNodeServer::ShardNodeServer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
ShardNodeServer::~ShardNodeServer() { Shutdown(DeadlineIn(std::chrono::seconds(0))); }

int ShardNodeServer::port() const { return parts_->server->port(); }
void ShardNodeServer::SetServing() { parts_->server->SetHealth(rpc::GrpcServer::Health::kServing); }
void ShardNodeServer::SetNotServing() {
  parts_->server->SetHealth(rpc::GrpcServer::Health::kNotServing);
}
void ShardNodeServer::Shutdown(Deadline deadline) {
  parts_->service.Drain(deadline);
  parts_->server->Shutdown(deadline);
}

}  // namespace kith::shard
