#ifndef KITH_TESTS_CONTRACT_OVER_GRPC_H_
#define KITH_TESTS_CONTRACT_OVER_GRPC_H_

#include <fmt/format.h>

#include <memory>
#include <utility>

#include "coordinator/shard_client/grpc_shard_client.h"
#include "shard/rpc/shard_node_server.h"
#include "tests/contract/shard_service_contract.h"

namespace kith::testing {

// Any fixture's service behind a server and a client of it, over a real socket.
class OverGrpc final : public ShardServiceFixture {
 public:
  explicit OverGrpc(std::unique_ptr<ShardServiceFixture> inner) : inner_(std::move(inner)) {
    auto server = shard::ShardNodeServer::Start(inner_->service(), {.address = "127.0.0.1:0"});
    EXPECT_TRUE(server.ok()) << server.status();
    server_ = *std::move(server);
    client_ = std::make_unique<coordinator::GrpcShardClient>(
        fmt::format("127.0.0.1:{}", server_->port()));
  }

  ShardService& service() override { return *client_; }

 private:
  const std::unique_ptr<ShardServiceFixture> inner_;
  std::unique_ptr<shard::ShardNodeServer> server_;
  std::unique_ptr<coordinator::GrpcShardClient> client_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_CONTRACT_OVER_GRPC_H_
