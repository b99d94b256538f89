// What kithd composes a coordinator of, over its real port, with a shard node in memory behind it.
#include "kithd/coordinator_role.h"

#include <fmt/format.h>
#include <grpcpp/grpcpp.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/rpc/status_codes.h"
#include "kith/v1/collections.grpc.pb.h"
#include "kith/v1/operations.grpc.pb.h"
#include "kith/v1/points.grpc.pb.h"
#include "tests/support/fake_shard_service.h"
#include "tests/support/silent_port.h"
#include "tests/support/temporary_directory.h"

namespace kith::kithd {
namespace {

constexpr uint32_t kWideDimension = 1024;
constexpr uint64_t kWidePoints = 300;  // training on them takes about 5 MB

class CoordinatorRoleTest : public ::testing::Test {
 protected:
  void Start(uint64_t memory_mb) {
    {
      const testing::SilentPort free_port;  // taken for a moment, then the server's
      config_.grpc.listen = free_port.address();
    }
    config_.data.directory = folder_.path();
    config_.limits.memory_mb = memory_mb;
    auto role = CoordinatorRole::Start({config_, &node_}, {clock_, metrics_, requests_});
    ASSERT_TRUE(role.ok()) << role.status();
    role_ = *std::move(role);
    channel_ = grpc::CreateChannel(config_.grpc.listen, grpc::InsecureChannelCredentials());
  }
  void TearDown() override {
    if (role_ == nullptr) return;
    role_->EndCalls(DeadlineIn(std::chrono::seconds(5)));
    role_->EndOperations();
    metrics_.ClearPulls();
  }

  void CreateAndFill() {
    v1::CreateCollectionRequest create;
    create.set_collection("c");
    create.set_dimension(kWideDimension);
    create.set_metric(v1::METRIC_L2);
    create.set_element_type(v1::ELEMENT_TYPE_F32);
    v1::Collection made;
    grpc::ClientContext context;
    ASSERT_TRUE(v1::Collections::NewStub(channel_)->CreateCollection(&context, create, &made).ok());
    v1::UpsertRequest upsert;
    upsert.set_collection("c");
    for (uint64_t n = 0; n < kWidePoints; ++n) {
      upsert.mutable_columns()->add_numbers(n);
      std::vector<float> vector(kWideDimension, static_cast<float>(n % 17));
      vector[n % kWideDimension] = static_cast<float>(n);
      upsert.mutable_columns()->mutable_vectors()->append(
          reinterpret_cast<const char*>(vector.data()), kWideDimension * sizeof(float));
    }
    v1::UpsertResponse written;
    grpc::ClientContext second;
    ASSERT_TRUE(v1::Points::NewStub(channel_)->Upsert(&second, upsert, &written).ok());
  }
  absl::Status Train() {
    v1::TrainIndexRequest train;
    train.set_collection("c");
    v1::Operation operation;
    grpc::ClientContext context;
    return rpc::StatusFromGrpc(
        v1::Collections::NewStub(channel_)->TrainIndex(&context, train, &operation));
  }

  test::TemporaryDirectory folder_;
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::RequestMetrics requests_{metrics_};
  config::ServerConfig config_;
  testing::FakeShardService node_;
  std::unique_ptr<CoordinatorRole> role_;
  std::shared_ptr<grpc::Channel> channel_;
};

TEST_F(CoordinatorRoleTest, ATrainingThatDoesNotFitTheConfiguredMemoryIsRefused) {
  Start(1);
  CreateAndFill();
  const absl::Status refused = Train();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted) << refused;
  EXPECT_EQ(ReasonOf(refused), reason::kMemoryLimit);
  EXPECT_TRUE(FactOf(refused, "peak_bytes").has_value());
}

TEST_F(CoordinatorRoleTest, WithoutALimitTheMachinesMemoryIsEnoughForLittle) {
  Start(0);
  CreateAndFill();
  const absl::Status started = Train();
  EXPECT_TRUE(started.ok()) << started;
}

// Writes a point again and again, on a connection of its own, until a call fails: the status of
// that. Counts itself once it has written.
grpc::Status WriteUntilItFails(const std::string& address, uint64_t number,
                               std::atomic<uint64_t>& writing) {
  grpc::ChannelArguments own;
  own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  const auto stub = v1::Points::NewStub(
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), own));
  v1::UpsertRequest upsert;
  upsert.set_collection("c");
  upsert.mutable_columns()->add_numbers(number);
  const std::vector<float> vector(kWideDimension, 1);
  upsert.mutable_columns()->set_vectors(vector.data(), kWideDimension * sizeof(float));
  for (bool is_first = true;; is_first = false) {
    v1::UpsertResponse written;
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + std::chrono::seconds(20));
    const grpc::Status status = stub->Upsert(&context, upsert, &written);
    if (is_first) ++writing;
    if (!status.ok()) return status;
  }
}

TEST_F(CoordinatorRoleTest, AStopUnderWritesTellsEachWriterSoAndCancelsNone) {
  constexpr int kStops = 20;
  constexpr uint64_t kWriters = 8;
  for (int stop = 0; stop < kStops; ++stop) {
    Start(0);
    if (stop == 0) CreateAndFill();
    std::atomic<uint64_t> writing{0};
    std::vector<std::future<grpc::Status>> writers;
    for (uint64_t i = 0; i < kWriters; ++i) {
      writers.push_back(std::async(std::launch::async, WriteUntilItFails, config_.grpc.listen, i,
                                   std::ref(writing)));
    }
    while (writing < kWriters) std::this_thread::yield();
    TearDown();
    role_.reset();
    for (auto& writer : writers) {
      const absl::Status told = rpc::StatusFromGrpc(writer.get());
      ASSERT_EQ(told.code(), absl::StatusCode::kUnavailable) << "stop " << stop << ": " << told;
      ASSERT_EQ(ReasonOf(told), reason::kDraining) << told;
    }
  }
}

}  // namespace
}  // namespace kith::kithd
