#ifndef KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_SERVER_H_
#define KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_SERVER_H_

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/rpc/grpc_server.h"
#include "common/rpc/status_codes.h"
#include "coordinator/rpc/backups_handlers.h"
#include "coordinator/rpc/collections_handlers.h"
#include "coordinator/rpc/operations_handlers.h"
#include "coordinator/rpc/points_handlers.h"
#include "coordinator/rpc/search_handlers.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"
#include "tests/unit/coordinator_admin/fake_backups.h"

namespace kith::testing {

// The public API over a real socket, with shard nodes in memory behind it.
class PublicServer {
 public:
  explicit PublicServer(int nodes) : cluster(nodes) {
    auto started =
        rpc::GrpcServer::Start({"127.0.0.1:0",
                                {&collection_handlers_, &operation_handlers_, &point_handlers_,
                                 &search_handlers_, &backup_handlers_}});
    EXPECT_TRUE(started.ok()) << started.status();
    server_ = *std::move(started);
    channel = grpc::CreateChannel(fmt::format("127.0.0.1:{}", server_->port()),
                                  grpc::InsecureChannelCredentials());
    collections = v1::Collections::NewStub(channel);
    points = v1::Points::NewStub(channel);
    search = v1::Search::NewStub(channel);
    operations = v1::Operations::NewStub(channel);
    backups = v1::Backups::NewStub(channel);
  }
  ~PublicServer() {
    server_.reset();
    backup_jobs_.Stop();
  }

  // One call with a deadline of 20 s, or as given: what went wrong, with reason and facts.
  template <typename Stub, typename Method, typename Request, typename Response>
  absl::Status Call(Stub& stub, Method method, const Request& request, Response* response,
                    std::chrono::milliseconds timeout = std::chrono::seconds(20)) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + timeout);
    return rpc::StatusFromGrpc((stub.*method)(&context, request, response));
  }

  // As where the process stops: no call is taken afterwards.
  void Drain(Deadline deadline) const { calls_.Drain(deadline); }
  // What the shards themselves say.
  uint64_t LivePoints(const std::string& collection) {
    const auto entry = cluster.map().Find(collection);
    EXPECT_TRUE(entry.ok()) << entry.status();
    uint64_t points = 0;
    for (const auto& route : (*entry)->routes) {
      const auto stat = route->service->Stat(route->shard, clock_.Now() + std::chrono::seconds(5));
      EXPECT_TRUE(stat.ok()) << stat.status();
      points += stat->live_points;
    }
    return points;
  }

  coordinator::AdminCluster cluster;
  std::shared_ptr<grpc::Channel> channel;
  std::unique_ptr<v1::Collections::Stub> collections;
  std::unique_ptr<v1::Points::Stub> points;
  std::unique_ptr<v1::Search::Stub> search;
  std::unique_ptr<v1::Operations::Stub> operations;
  std::unique_ptr<v1::Backups::Stub> backups;

 private:
  SystemClock clock_;
  Executor admin_{{"admin", 2, 64, 0}};
  rpc::UnaryCalls calls_{nullptr, &admin_};
  coordinator::DeadlineTimer timer_;
  coordinator::SearchService search_service_{cluster.map(), timer_, clock_};
  coordinator::WriteService write_service_{cluster.map(), timer_, clock_};
  coordinator::GetService get_service_{cluster.map(), timer_, clock_, admin_};
  coordinator::ScrollService scroll_service_{cluster.map(), timer_, clock_};
  coordinator::rpc::CollectionsHandlers collection_handlers_{
      {cluster.collections(), cluster.trainer(), cluster.versions(), cluster.payload_indexes()},
      calls_};
  coordinator::rpc::OperationsHandlers operation_handlers_{cluster.operations(), cluster.map(),
                                                           calls_};
  coordinator::rpc::PointsHandlers point_handlers_{
      {write_service_, get_service_, scroll_service_, std::chrono::milliseconds(500)}, calls_};
  coordinator::DuplicateService duplicates_{
      {cluster.map(), cluster.operations(), scroll_service_, search_service_, clock_}};
  coordinator::rpc::SearchHandlers search_handlers_{
      {search_service_, duplicates_, cluster.operations()}, calls_};
  coordinator::FakeBackups fake_backups_{cluster.node(0)};
  Executor backup_jobs_{{"backups", 1, 8, 0}};
  coordinator::BackupService backup_service_{
      {cluster.catalog(), cluster.collections(), cluster.operations(), &fake_backups_},
      backup_jobs_};
  coordinator::rpc::BackupsHandlers backup_handlers_{backup_service_, calls_};
  std::unique_ptr<rpc::GrpcServer> server_;  // first to go
};

}  // namespace kith::testing

#endif  // KITH_TESTS_INTEGRATION_PUBLIC_RPC_PUBLIC_SERVER_H_
