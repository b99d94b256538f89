#include "coordinator/admin/training/shard_search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

constexpr uint64_t kPoints = 200;

class ShardSearchTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 2)).ok());
    // Points on a line: the neighbours of point i are the points next to it.
    const CollectionRecord record = *cluster_.meta.Get("a");
    for (uint64_t i = 0; i < kPoints; ++i) {
      const PointKey key = PointKey::FromNumber(i);
      const float vector[4] = {static_cast<float>(i), 0, 0, 0};
      const std::string bytes(reinterpret_cast<const char*>(vector), sizeof(vector));
      const ShardPlacement& placement = record.shards[SlotOf(key) / 2048];
      cluster_.NodeOf(placement).Put(placement.shard, key, bytes);
      queries_.vectors += bytes;
      queries_.keys.emplace_back(key.view());
    }
    queries_.count = kPoints;
    operation_ = *cluster_.operations().Begin("train", "a");
  }
  void TearDown() override { operation_->Finish(absl::OkStatus(), ""); }

  absl::StatusOr<NeighbourSets> SearchExact() {
    const CollectionRecord record = *cluster_.meta.Get("a");
    TrainingPlan plan;
    plan.points = kPoints;
    SearchCall exact;
    exact.exact = true;
    return SearchShards({cluster_.catalog(), *operation_, record, plan, "job"}, queries_, exact);
  }

  AdminCluster cluster_{2};
  QuerySet queries_;
  std::shared_ptr<RunningOperation> operation_;
};

TEST_F(ShardSearchTest, EveryQueryGetsItsTenNearestOthersOverAllShards) {
  const auto found = SearchExact();
  ASSERT_TRUE(found.ok()) << found.status();
  ASSERT_EQ(found->keys.size(), kPoints);
  for (uint64_t i = 5; i + 5 < kPoints; ++i) {
    std::vector<uint64_t> numbers;
    for (const std::string& key : found->keys[i]) {
      numbers.push_back(PointKey::FromBytes(key.data()).number());
    }
    std::sort(numbers.begin(), numbers.end());
    EXPECT_THAT(numbers, ::testing::ElementsAre(i - 5, i - 4, i - 3, i - 2, i - 1, i + 1, i + 2,
                                                i + 3, i + 4, i + 5));
  }
  EXPECT_EQ(found->rows_compared, kPoints * kPoints);
  EXPECT_EQ(found->live_points, kPoints);
}

TEST_F(ShardSearchTest, AnAnswerThatIsNotCompleteIsAnErrorAndNotALowerRecall) {
  cluster_.node(1).Corrupt("SearchWork");
  EXPECT_EQ(ReasonOf(SearchExact().status()), reason::kDeadline);
}

TEST_F(ShardSearchTest, AFullQueueIsTriedAgain) {
  cluster_.node(0).Fail("Search",
                        Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "full"), 2);
  const auto found = SearchExact();
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->keys.size(), kPoints) << "and no query is counted twice";
}

}  // namespace
}  // namespace kith::coordinator
