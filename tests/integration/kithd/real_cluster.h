#ifndef KITH_TESTS_INTEGRATION_KITHD_REAL_CLUSTER_H_
#define KITH_TESTS_INTEGRATION_KITHD_REAL_CLUSTER_H_

#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <chrono>
#include <memory>
#include <string>

#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"
#include "kith/v1/points.grpc.pb.h"
#include "kith/v1/search.grpc.pb.h"
#include "kithd/coordinator_role.h"
#include "shard/node.h"
#include "tests/support/silent_port.h"
#include "tests/support/temporary_directory.h"

namespace kith::kithd {

// An embedded server over its real port, on a directory that it can be started on again.
class RealCluster : public ::testing::Test {
 protected:
  void SetUp() override { Start(); }
  void TearDown() override { Stop(); }

  void Start() {
    shard::NodeOptions options;
    options.directory = folder_.path() + "/node";
    options.files = files_.get();
    options.clock = &clock_;
    auto node = shard::Node::Open(options);
    ASSERT_TRUE(node.ok()) << node.status();
    node_ = *std::move(node);
    {
      const testing::SilentPort free_port;  // taken for a moment, then the server's
      config_.grpc.listen = free_port.address();
    }
    config_.data.directory = folder_.path() + "/coordinator";
    auto role = CoordinatorRole::Start({config_, node_.get()}, {clock_, metrics_, requests_});
    ASSERT_TRUE(role.ok()) << role.status();
    role_ = *std::move(role);
    const auto channel =
        grpc::CreateChannel(config_.grpc.listen, grpc::InsecureChannelCredentials());
    collections_ = v1::Collections::NewStub(channel);
    operations_ = v1::Operations::NewStub(channel);
    points_ = v1::Points::NewStub(channel);
    search_ = v1::Search::NewStub(channel);
  }
  void Stop() {
    if (role_ != nullptr) {
      role_->EndCalls(DeadlineIn(std::chrono::seconds(5)));
      node_->Drain();
      role_->EndOperations();
    }
    metrics_.ClearPulls();
    role_.reset();
    node_.reset();
  }

  // One call with a deadline of 20 s: what went wrong, with reason and facts.
  template <typename Stub, typename Method, typename Request, typename Response>
  static absl::Status Call(Stub& stub, Method method, const Request& request, Response* response) {
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    response->Clear();
    return rpc::StatusFromGrpc((stub.*method)(&context, request, response));
  }

  test::TemporaryDirectory folder_;
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::RequestMetrics requests_{metrics_};
  std::unique_ptr<storage::FileSystem> files_ = storage::NewPosixFileSystem();
  config::ServerConfig config_;
  std::unique_ptr<shard::Node> node_;
  std::unique_ptr<CoordinatorRole> role_;
  std::unique_ptr<v1::Collections::Stub> collections_;
  std::unique_ptr<v1::Operations::Stub> operations_;
  std::unique_ptr<v1::Points::Stub> points_;
  std::unique_ptr<v1::Search::Stub> search_;
};

}  // namespace kith::kithd

#endif  // KITH_TESTS_INTEGRATION_KITHD_REAL_CLUSTER_H_
