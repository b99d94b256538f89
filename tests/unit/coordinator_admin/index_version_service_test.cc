#include "coordinator/admin/index_version_service.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using When = PromotionRule::When;

class IndexVersionServiceTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 4)).ok());
    cluster_.Fill("a", 1000);
    first_ = Train(1).result;
  }
  Operation Train(uint64_t seed, When when = When::kNoWorse, uint32_t lists = 16) {
    TrainCall call;
    call.collection = "a";
    call.index.lists = lists;
    call.seed = seed;
    call.promotion.when = when;
    const auto started = cluster_.trainer().Start(call);
    EXPECT_TRUE(started.ok()) << started.status();
    const Operation operation = cluster_.Await(started->id);
    EXPECT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
    return operation;
  }
  std::string Serving() { return (*cluster_.map().Find("a"))->record.serving_version; }
  std::vector<std::pair<std::string, IndexVersionState>> States() {
    std::vector<std::pair<std::string, IndexVersionState>> states;
    const auto views = cluster_.versions().List("a");
    EXPECT_TRUE(views.ok()) << views.status();
    for (const IndexVersionView& view : *views) {
      states.emplace_back(view.record.version, view.state);
    }
    return states;
  }

  AdminCluster cluster_{2};
  std::string first_;
};

TEST_F(IndexVersionServiceTest, AVersionTrainedForPromotionByHandWaitsAndThenServes) {
  const Operation operation = Train(2, When::kByHand);
  ASSERT_TRUE(operation.training.has_value());
  EXPECT_NE(operation.training->not_promoted_reason, "");
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, first_);
  EXPECT_THAT(States(), ElementsAre(std::pair(first_, IndexVersionState::kServing),
                                    std::pair(operation.result, IndexVersionState::kWaiting)));
  const auto promoted = cluster_.versions().Promote("a", "");
  ASSERT_TRUE(promoted.ok()) << promoted.status();
  EXPECT_EQ(promoted->front().record.version, operation.result);
  EXPECT_EQ(Serving(), operation.result);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, operation.result);
  EXPECT_THAT(States(), ElementsAre(std::pair(operation.result, IndexVersionState::kServing),
                                    std::pair(first_, IndexVersionState::kPrevious)));
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{first_, operation.result}));
}

TEST_F(IndexVersionServiceTest, TheFirstVersionServesWhateverItMeasuresUnlessToldToWait) {
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("b", 1)).ok());
  cluster_.Fill("b", 500);
  TrainCall call;
  call.collection = "b";
  call.index.lists = 16;
  call.promotion.when = When::kByHand;
  const Operation waits = cluster_.Await(cluster_.trainer().Start(call)->id);
  EXPECT_EQ(cluster_.meta.Get("b")->serving_version, "");
  EXPECT_FALSE(waits.training->comparison.has_value());
  ASSERT_TRUE(cluster_.versions().Promote("b", waits.result).ok());
  EXPECT_EQ(cluster_.meta.Get("b")->previous_version, "");
  EXPECT_EQ(ReasonOf(cluster_.versions().Rollback("b").status()), reason::kIndexVersionNotFound);
}

TEST_F(IndexVersionServiceTest, ATrainingReportsWhatBothVersionsMeasureWithTheSameQueries) {
  const Operation operation = Train(2);
  ASSERT_TRUE(operation.training.has_value());
  EXPECT_EQ(operation.training->not_promoted_reason, "");
  ASSERT_TRUE(operation.training->comparison.has_value());
  const RecallComparison& comparison = *operation.training->comparison;
  EXPECT_EQ(comparison.serving_version, first_);
  EXPECT_DOUBLE_EQ(comparison.target_recall, 0.95);
  // The fake finds nprobe / 16 of the neighbours, scanning as much: both versions are alike.
  EXPECT_NEAR(comparison.serving.recall_at_10, comparison.serving.nprobe / 16.0, 0.05);
  EXPECT_NEAR(comparison.serving.scanned_share, comparison.serving.nprobe / 16.0, 0.05);
  EXPECT_NEAR(comparison.trained.recall_at_10, comparison.trained.nprobe / 16.0, 0.05);
  EXPECT_NEAR(comparison.recall_gain, 0, 0.03);
  const IndexVersionViews views = *cluster_.versions().List("a");
  ASSERT_EQ(views.size(), 2u);
  ASSERT_TRUE(views[0].record.comparison.has_value());
  EXPECT_EQ(views[0].record.comparison->recall_gain, comparison.recall_gain);
  EXPECT_FALSE(views[1].record.comparison.has_value());
  EXPECT_EQ(views[0].record.trained_points, 1000u);
  EXPECT_GT(views[1].at_target.recall_at_10, 0.9);
  ASSERT_EQ(views[0].shards.size(), 4u);
  for (const IndexVersionShard& shard : views[1].shards) EXPECT_EQ(shard.not_ready_reason, "");
}

TEST_F(IndexVersionServiceTest, AVersionThatMeasuredWorseWaitsByItself) {
  for (size_t i = 0; i < cluster_.nodes(); ++i) cluster_.node(i).LoseInLists(32);
  const Operation operation = Train(2, When::kNoWorse, 32);
  EXPECT_LT(operation.training->comparison->recall_gain, -0.05);
  EXPECT_THAT(operation.training->not_promoted_reason, HasSubstr("recall@10 changes by -0."));
  EXPECT_EQ(Serving(), first_);
  EXPECT_EQ(cluster_.meta.Get("a")->trained_lists, 16u);
  EXPECT_THAT(States(), ElementsAre(std::pair(first_, IndexVersionState::kServing),
                                    std::pair(operation.result, IndexVersionState::kWaiting)));
}

TEST_F(IndexVersionServiceTest, AGainThatIsAskedForAndNotMeasuredLetsTheVersionWait) {
  TrainCall call;
  call.collection = "a";
  call.index.lists = 16;
  call.seed = 9;
  call.promotion.recall_gain_min = 0.5;
  const Operation operation = cluster_.Await(cluster_.trainer().Start(call)->id);
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_THAT(operation.training->not_promoted_reason, HasSubstr("+0.5000"));
  EXPECT_EQ(Serving(), first_);
}

TEST_F(IndexVersionServiceTest, ARollbackServesTheVersionBeforeWithItsOwnCurve) {
  const std::string second = Train(2, When::kNoWorse, 32).result;
  EXPECT_EQ(cluster_.meta.Get("a")->trained_lists, 32u);
  const auto rolled_back = cluster_.versions().Rollback("a");
  ASSERT_TRUE(rolled_back.ok()) << rolled_back.status();
  EXPECT_EQ(Serving(), first_);
  const CollectionRecord record = *cluster_.meta.Get("a");
  EXPECT_EQ(record.trained_lists, 16u);
  EXPECT_EQ(record.recall.back().nprobe, 16u);
  EXPECT_THAT(States(), ElementsAre(std::pair(first_, IndexVersionState::kServing),
                                    std::pair(second, IndexVersionState::kWaiting)));
  EXPECT_EQ(ReasonOf(cluster_.versions().Rollback("a").status()), reason::kIndexVersionNotFound);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{first_, second})) << "kept until dropped";
}

TEST_F(IndexVersionServiceTest, ARollbackToAVersionThatAShardLacksNamesTheShard) {
  const std::string second = Train(2).result;
  const ShardPlacement lacking = cluster_.meta.Get("a")->shards[2];
  ASSERT_TRUE(cluster_.NodeOf(lacking).DropIndex(lacking.shard, first_, {}).ok());
  const absl::Status refused = cluster_.versions().Rollback("a").status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(refused), reason::kIndexVersionNotReady);
  EXPECT_EQ(FactOf(refused, "shard"), std::to_string(lacking.shard));
  EXPECT_EQ(FactOf(refused, "node"), lacking.node);
  EXPECT_EQ(Serving(), second);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, second);
}

TEST_F(IndexVersionServiceTest, AVersionStillBeingEncodedOrOutOfReachIsNotPromoted) {
  const std::string second = Train(2, When::kByHand).result;
  cluster_.node(1).HoldEncoding(true);
  EXPECT_EQ(ReasonOf(cluster_.versions().Promote("a", second).status()),
            reason::kIndexVersionNotReady);
  cluster_.node(1).HoldEncoding(false);
  cluster_.node(1).SetDown(true);
  const absl::Status away = cluster_.versions().Promote("a", second).status();
  EXPECT_EQ(away.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(FactOf(away, "node"), "n1");
  EXPECT_EQ(Serving(), first_);
  cluster_.node(1).SetDown(false);
  EXPECT_TRUE(cluster_.versions().Promote("a", second).ok());
}

TEST_F(IndexVersionServiceTest, ADropFreesAVersionAndNeverTheServingOne) {
  const std::string second = Train(2).result;
  EXPECT_EQ(ReasonOf(cluster_.versions().Drop("a", second).status()), reason::kIndexVersionServing);
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{first_, second}));
  ASSERT_TRUE(cluster_.versions().Drop("a", first_).ok());
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{second}));
  EXPECT_EQ(ReasonOf(cluster_.versions().Rollback("a").status()), reason::kIndexVersionNotFound);
  EXPECT_EQ(ReasonOf(cluster_.versions().Drop("a", first_).status()),
            reason::kIndexVersionNotFound);
}

TEST_F(IndexVersionServiceTest, WhatIsDroppedWhileANodeIsAwayGoesWhenItIsBack) {
  const std::string second = Train(2).result;
  cluster_.node(1).SetDown(true);
  ASSERT_TRUE(cluster_.versions().Drop("a", first_).ok());
  cluster_.node(1).SetDown(false);
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{first_, second}));
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{second}));
}

TEST_F(IndexVersionServiceTest, WhatIsDroppedDuringATrainingStaysOnTheShardsUntilItEnds) {
  const std::string second = Train(2).result;
  cluster_.node(0).HoldTraining(true);
  TrainCall call;
  call.collection = "a";
  call.index.lists = 16;
  call.seed = 1;  // makes the first version again
  const auto started = cluster_.trainer().Start(call);
  ASSERT_TRUE(started.ok()) << started.status();
  ASSERT_TRUE(cluster_.versions().Drop("a", first_).ok());
  EXPECT_TRUE(cluster_.Indexes().contains(first_));
  cluster_.node(0).HoldTraining(false);
  const Operation operation = cluster_.Await(started->id);
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_EQ(operation.result, first_);
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{first_, second}));
}

TEST_F(IndexVersionServiceTest, ATrainingIsMeasuredAgainstWhatServesWhenItEnds) {
  const std::string second = Train(2, When::kByHand).result;
  cluster_.node(0).HoldTraining(true);
  TrainCall call;
  call.collection = "a";
  call.index.lists = 16;
  call.seed = 3;
  const auto started = cluster_.trainer().Start(call);
  ASSERT_TRUE(started.ok()) << started.status();
  ASSERT_TRUE(cluster_.versions().Promote("a", second).ok());
  cluster_.node(0).HoldTraining(false);
  const Operation operation = cluster_.Await(started->id);
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_EQ(operation.training->comparison->serving_version, second);
  EXPECT_EQ(Serving(), operation.result);
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{second, operation.result}));
}

TEST_F(IndexVersionServiceTest, UnknownNamesAreRefused) {
  EXPECT_EQ(ReasonOf(cluster_.versions().List("x").status()), reason::kCollectionNotFound);
  EXPECT_EQ(ReasonOf(cluster_.versions().Promote("a", "x").status()),
            reason::kIndexVersionNotFound);
  EXPECT_EQ(cluster_.versions().Promote("a", "x").status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOf(cluster_.versions().Promote("a", "").status()), reason::kIndexVersionNotFound);
  EXPECT_TRUE(cluster_.versions().Promote("a", first_).ok()) << "it serves: nothing to do";
}

TEST_F(IndexVersionServiceTest, APromotionRuleThatMeansNothingIsRefused) {
  TrainCall call;
  call.collection = "a";
  call.promotion.recall_gain_min = 1.5;
  EXPECT_EQ(FactOf(cluster_.trainer().Start(call).status(), kFieldFact), "min_recall_gain");
  call.promotion.recall_gain_min = 0.5;
  call.promotion.when = When::kByHand;
  EXPECT_EQ(FactOf(cluster_.trainer().Start(call).status(), kFieldFact), "min_recall_gain");
}

}  // namespace
}  // namespace kith::coordinator
