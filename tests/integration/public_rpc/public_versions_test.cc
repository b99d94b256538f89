// Index versions over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using Version = v1::IndexVersion;

class PublicVersions : public PublicRpc {
 protected:
  void SetUp() override {
    Create();
    FillLine(1000);
    v1::TrainIndexRequest request = Training(1);
    first_ = Train(request).result();
  }
  static v1::TrainIndexRequest Training(uint64_t seed) {
    v1::TrainIndexRequest request;
    request.set_collection("c");
    request.mutable_index()->set_lists(16);
    request.mutable_index()->set_subspaces(1);
    request.set_seed(seed);
    return request;
  }
  v1::Operation Train(const v1::TrainIndexRequest& request) {
    v1::Operation operation;
    const absl::Status started =
        server_.Call(*server_.collections, &Collections::TrainIndex, request, &operation);
    EXPECT_TRUE(started.ok()) << started;
    (void)server_.cluster.Await(operation.id());
    v1::GetOperationRequest get;
    get.set_id(operation.id());
    EXPECT_TRUE(server_.Call(*server_.operations, &Operations::GetOperation, get, &operation).ok());
    return operation;
  }
  v1::Operation TrainToWait() {
    v1::TrainIndexRequest request = Training(2);
    request.set_auto_promote(false);
    return Train(request);
  }
  template <typename Request, typename Method>
  absl::Status Ask(Request request, Method method) {
    request.set_collection("c");
    versions_.Clear();
    return server_.Call(*server_.collections, method, request, &versions_);
  }
  absl::Status Drop(const std::string& version) {
    v1::DropIndexVersionRequest request;
    request.set_version(version);
    return Ask(request, &Collections::DropIndexVersion);
  }
  std::vector<std::pair<std::string, Version::State>> States() const {
    std::vector<std::pair<std::string, Version::State>> states;
    for (const Version& version : versions_.versions()) {
      states.emplace_back(version.version(), version.state());
    }
    return states;
  }

  std::string first_;
  v1::ListIndexVersionsResponse versions_;
};

TEST_F(PublicVersions, ATrainingThatIsNotToPromoteSaysSoWithItsMeasurements) {
  const v1::Operation second = TrainToWait();
  EXPECT_TRUE(second.has_promoted());
  EXPECT_FALSE(second.promoted());
  EXPECT_THAT(second.not_promoted_reason(), HasSubstr("by hand"));
  EXPECT_EQ(second.comparison().serving().version(), first_);
  EXPECT_EQ(second.comparison().trained().version(), second.result());
  EXPECT_EQ(second.comparison().trained().target_recall(), 0.95);
  EXPECT_GT(second.comparison().trained().nprobe(), 0u);
  EXPECT_GT(second.comparison().tolerance(), 0);
}

TEST_F(PublicVersions, AVersionIsPromotedRolledBackAndDropped) {
  const std::string second = TrainToWait().result();
  ASSERT_TRUE(Ask(v1::PromoteIndexVersionRequest(), &Collections::PromoteIndexVersion).ok());
  EXPECT_THAT(States(), ElementsAre(std::pair(second, Version::STATE_SERVING),
                                    std::pair(first_, Version::STATE_PREVIOUS)));
  ASSERT_TRUE(Ask(v1::RollbackIndexVersionRequest(), &Collections::RollbackIndexVersion).ok());
  EXPECT_THAT(States(), ElementsAre(std::pair(first_, Version::STATE_SERVING),
                                    std::pair(second, Version::STATE_WAITING)));
  EXPECT_EQ(ReasonOf(Drop(first_)), reason::kIndexVersionServing);
  ASSERT_TRUE(Drop(second).ok());
  EXPECT_THAT(States(), ElementsAre(std::pair(first_, Version::STATE_SERVING)));
}

TEST_F(PublicVersions, TheListHasTheFiguresOfEachVersion) {
  const std::string second = TrainToWait().result();
  ASSERT_TRUE(Ask(v1::ListIndexVersionsRequest(), &Collections::ListIndexVersions).ok());
  ASSERT_EQ(versions_.versions_size(), 2);
  const Version& serving = versions_.versions(0);
  const Version& waiting = versions_.versions(1);
  EXPECT_EQ(serving.version(), first_);
  EXPECT_FALSE(serving.has_comparison()) << "nothing served before";
  EXPECT_EQ(waiting.comparison().serving().version(), first_);
  EXPECT_EQ(waiting.comparison().trained().version(), second);
  EXPECT_EQ(serving.index().lists(), 16u);
  EXPECT_EQ(serving.trained_points(), 1000u);
  EXPECT_GT(serving.trained_unix_ms(), 0u);
  EXPECT_GT(serving.recall_size(), 1);
  EXPECT_EQ(serving.at_target().target_recall(), 0.95);
  EXPECT_GT(serving.at_target().recall_at_10(), 0.9);
  ASSERT_EQ(waiting.shards_size(), 2);
  EXPECT_EQ(waiting.shards(1).node(), "n1");
  EXPECT_TRUE(waiting.shards(1).ready());
  server_.cluster.node(1).SetDown(true);
  ASSERT_TRUE(Ask(v1::ListIndexVersionsRequest(), &Collections::ListIndexVersions).ok());
  EXPECT_FALSE(versions_.versions(0).shards(1).ready());
  EXPECT_THAT(versions_.versions(0).shards(1).message(), HasSubstr("node n1"));
}

TEST_F(PublicVersions, ACollectionTellsTheHealthOfWhatServes) {
  FillLine(1500);
  v1::GetCollectionRequest get;
  get.set_collection("c");
  v1::Collection collection;
  ASSERT_TRUE(
      server_.Call(*server_.collections, &Collections::GetCollection, get, &collection).ok());
  ASSERT_TRUE(collection.has_health());
  EXPECT_DOUBLE_EQ(collection.health().growth_ratio(), 0.5);
}

}  // namespace
}  // namespace kith
