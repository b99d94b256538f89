#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/training/train_service.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

absl::Status Broken() {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption, "the disk is broken");
}
absl::Status Away() {
  return Error(absl::StatusCode::kUnavailable, reason::kShardUnavailable, "connection reset");
}

// A collection on two nodes that serves version `serving_`; whatever goes wrong in a second
// training must leave exactly that.
class TrainingFailureTest : public ::testing::Test {
 protected:
  void SetUp() override {
    ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("a", 4)).ok());
    cluster_.Fill("a", 1000);
    const Operation first = cluster_.Await(cluster_.trainer().Start(Call(1))->id);
    ASSERT_EQ(first.state, OperationState::kSucceeded) << first.error_message;
    serving_ = first.result;
  }
  static TrainCall Call(uint64_t seed) {
    TrainCall call;
    call.collection = "a";
    call.index.lists = 16;
    call.seed = seed;
    return call;
  }
  Operation Train() {
    const auto started = cluster_.trainer().Start(Call(2));
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? cluster_.Await(started->id) : Operation();
  }
  void ExpectNothingChanged() {
    const CollectionRecord record = *cluster_.meta.Get("a");
    EXPECT_EQ(record.serving_version, serving_);
    EXPECT_EQ(record.previous_version, "");
    EXPECT_EQ((*cluster_.map().Find("a"))->record.serving_version, serving_);
    EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{serving_}));
    EXPECT_FALSE(cluster_.node(0).HasTraining());
  }

  AdminCluster cluster_{2};
  std::string serving_;
};

TEST_F(TrainingFailureTest, AFailureOfAnyCallOnAnyNodeLeavesEverythingAsItWas) {
  const std::vector<std::pair<size_t, const char*>> faults = {
      {0, "SampleHashes"},     {1, "SampleHashes"},  {0, "ReadSample"},  {1, "ReadSample"},
      {0, "AddTrainingChunk"}, {0, "StartTraining"}, {0, "GetTraining"}, {0, "ReadArtifact"},
      {1, "WriteArtifact"},    {0, "BuildIndex"},    {1, "BuildIndex"},  {1, "Search"}};
  for (const auto& [node, method] : faults) {
    SCOPED_TRACE(fmt::format("{} on node {}", method, node));
    cluster_.node(node).Fail(method, Broken());
    const Operation operation = Train();
    EXPECT_EQ(operation.state, OperationState::kFailed);
    EXPECT_EQ(operation.error_reason, reason::kCorruption);
    EXPECT_THAT(operation.error_message, ::testing::HasSubstr(fmt::format("node n{}", node)));
    cluster_.node(node).Fail(method, absl::OkStatus(), 0);
    ExpectNothingChanged();
  }
  EXPECT_EQ(Train().state, OperationState::kSucceeded) << "and the next one works";
}

TEST_F(TrainingFailureTest, WrongAnswersAreFoundAndNotServed) {
  const std::vector<std::pair<size_t, const char*>> lies = {{1, "SampleHashes"},
                                                            {1, "ReadSample"},
                                                            {0, "ReadArtifact"},
                                                            {0, "ArtifactTotal"},
                                                            {1, "Search"}};
  for (const auto& [node, method] : lies) {
    AdminCluster cluster(2);
    ASSERT_TRUE(cluster.collections().Create(AdminCluster::Call("a", 2)).ok());
    cluster.Fill("a", 1000);
    cluster.node(node).Corrupt(method);
    const Operation operation = cluster.Await(cluster.trainer().Start(Call(1))->id);
    EXPECT_EQ(operation.state, OperationState::kFailed) << method;
    EXPECT_EQ(operation.error_reason, reason::kCorruption) << method;
    EXPECT_THAT(operation.error_message, ::testing::HasSubstr(fmt::format("node n{}", node)));
    EXPECT_TRUE(cluster.Indexes().empty());
  }
}

TEST_F(TrainingFailureTest, AVersionThatCannotServeAnyMoreIsReplaced) {
  for (size_t i = 0; i < 2; ++i) {
    for (const ShardId shard : cluster_.node(i).shards()) {
      ASSERT_TRUE(cluster_.node(i).DropIndex(shard, serving_, Deadline::max()).ok());
    }
  }
  TrainCall call = Call(2);
  call.promotion.recall_gain_min = 0.5;
  const Operation operation = cluster_.Await(cluster_.trainer().Start(call)->id);
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_NE(operation.result, serving_);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, operation.result);
  EXPECT_EQ(operation.training->comparison->serving.recall_at_10, 0);
}

TEST_F(TrainingFailureTest, AShortSilenceOfANodeIsSurvived) {
  for (const char* method : {"SampleHashes", "ReadSample", "AddTrainingChunk", "GetTraining",
                             "ReadArtifact", "WriteArtifact", "BuildIndex", "Search"}) {
    cluster_.node(0).Fail(method, Away(), 1);
    cluster_.node(1).Fail(method, Away(), 1);
  }
  const Operation operation = Train();
  EXPECT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
}

TEST_F(TrainingFailureTest, ASampleWhoseSendingBrokeOffIsSentAgainFromItsStart) {
  cluster_.node(0).Fail("AddTrainingChunk", Away(), 1);
  ASSERT_EQ(Train().state, OperationState::kSucceeded);
  const auto sample = cluster_.node(0).last_sample();
  EXPECT_EQ(sample.size(), 900u) << "no chunk twice";
}

TEST_F(TrainingFailureTest, ASampleForgottenByARestartIsDrawnAgain) {
  cluster_.node(1).Fail("ReadSample",
                        Error(absl::StatusCode::kUnavailable, reason::kNotReady, "forgotten"), 3);
  ASSERT_EQ(Train().state, OperationState::kSucceeded);
  EXPECT_EQ(cluster_.node(0).last_sample().size(), 900u);
}

TEST_F(TrainingFailureTest, ANodeThatRestartsWhileEncodingIsWaitedFor) {
  cluster_.node(1).HoldEncoding(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "encoding"));
  cluster_.node(1).SetDown(true);
  cluster_.node(1).Restart();
  cluster_.node(1).SetDown(false);
  cluster_.node(1).HoldEncoding(false);
  EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kSucceeded);
}

TEST_F(TrainingFailureTest, ANodeThatStaysAwayWhileEncodingEndsTheTraining) {
  cluster_.node(1).HoldEncoding(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(started.ok());
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "encoding"));
  cluster_.node(1).SetDown(true);
  EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kFailed);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, serving_);
  // What the node that was away still holds is dropped when it is back.
  cluster_.node(1).SetDown(false);
  cluster_.node(1).HoldEncoding(false);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  ExpectNothingChanged();
}

TEST_F(TrainingFailureTest, AShardWhoseEncodingStandsStillEndsTheTraining) {
  AdminCluster cluster(2);
  ASSERT_TRUE(cluster.collections().Create(AdminCluster::Call("a", 2)).ok());
  cluster.Fill("a", 1000);
  cluster.node(1).Corrupt("BuildIndex");
  const auto started = cluster.trainer().Start(Call(1));
  ASSERT_TRUE(cluster.AwaitStage(started->id, "encoding"));
  for (int i = 0; i < 10'000; ++i) {
    if (cluster.operations().Get(started->id)->state != OperationState::kRunning) break;
    cluster.clock.Advance(std::chrono::milliseconds(60'000));
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  const Operation operation = *cluster.operations().Get(started->id);
  EXPECT_EQ(operation.state, OperationState::kFailed);
  EXPECT_THAT(operation.error_message, ::testing::HasSubstr("stands still"));
  EXPECT_THAT(operation.error_message, ::testing::HasSubstr("no space left"));
  EXPECT_THAT(operation.error_message, ::testing::HasSubstr("node n1"));
  EXPECT_TRUE(cluster.Indexes().empty());
}

TEST_F(TrainingFailureTest, EqualPointsEndTheTrainingWithTheTrainersReason) {
  cluster_.node(0).Corrupt("GetTraining");
  const Operation operation = Train();
  EXPECT_EQ(operation.error_reason, reason::kDegeneratePoints);
  ExpectNothingChanged();
}

TEST_F(TrainingFailureTest, ATrainerThatForgotTheJobEndsTheTraining) {
  cluster_.node(0).HoldTraining(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "training"));
  cluster_.node(0).Restart();
  EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kFailed);
  ExpectNothingChanged();
}

TEST_F(TrainingFailureTest, ATrainerBusyWithAnotherCollectionIsSaid) {
  TrainingChunk other;
  other.job = "another";
  ASSERT_TRUE(cluster_.node(0).AddTrainingChunk(other, {}).ok());
  const Operation operation = Train();
  EXPECT_EQ(operation.error_reason, reason::kTrainingInProgress);
  EXPECT_TRUE(cluster_.node(0).HasTraining()) << "the other one goes on";
}

TEST_F(TrainingFailureTest, CancelledInAnyStageItLeavesNothing) {
  for (const char* stage : {"training", "encoding"}) {
    SCOPED_TRACE(stage);
    cluster_.node(0).HoldTraining(stage == std::string("training"));
    cluster_.node(1).HoldEncoding(stage == std::string("encoding"));
    const auto started = cluster_.trainer().Start(Call(2));
    ASSERT_TRUE(started.ok());
    ASSERT_TRUE(cluster_.AwaitStage(started->id, stage));
    ASSERT_TRUE(cluster_.operations().Cancel(started->id).ok());
    EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kCancelled);
    cluster_.node(0).HoldTraining(false);
    cluster_.node(1).HoldEncoding(false);
    ExpectNothingChanged();
  }
}

TEST_F(TrainingFailureTest, DeletingTheCollectionEndsItsTraining) {
  cluster_.node(0).HoldTraining(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "training"));
  ASSERT_TRUE(cluster_.collections().Delete("a").ok());
  EXPECT_EQ(cluster_.operations().Get(started->id)->state, OperationState::kCancelled);
  EXPECT_TRUE(cluster_.node(0).shards().empty());
  EXPECT_FALSE(cluster_.node(0).HasTraining());
  EXPECT_FALSE(cluster_.meta.Get("a").ok());
}

TEST_F(TrainingFailureTest, PromotingIsTriedAgainWhereTheRecordMovedOn) {
  int conflicts = 0;
  cluster_.meta.before_update = [&](const CollectionRecord& record) {
    if (++conflicts <= 2) cluster_.meta.Touch(record.name);
    return absl::OkStatus();
  };
  const Operation operation = Train();
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_EQ(conflicts, 3);
  EXPECT_EQ(cluster_.meta.Get("a")->previous_version, serving_);
}

TEST_F(TrainingFailureTest, ACollectionDroppedBeforePromotingIsNotServed) {
  cluster_.meta.before_update = [&](const CollectionRecord& record) {
    CollectionRecord dropping = *cluster_.meta.Get(record.name);
    if (dropping.state != CollectionRecord::State::kActive) return absl::OkStatus();
    dropping.state = CollectionRecord::State::kDropping;
    cluster_.meta.Set(dropping);
    return absl::OkStatus();
  };
  const Operation operation = Train();
  EXPECT_EQ(operation.state, OperationState::kFailed);
  EXPECT_EQ(operation.error_reason, reason::kCollectionNotFound);
  EXPECT_EQ(cluster_.meta.Get("a")->serving_version, serving_);
}

TEST_F(TrainingFailureTest, MetadataThatCannotBeWrittenLeavesTheOldVersionServing) {
  cluster_.meta.before_update = [](const CollectionRecord&) {
    return Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull, "no space");
  };
  const Operation operation = Train();
  cluster_.meta.before_update = nullptr;
  EXPECT_EQ(operation.error_reason, reason::kDiskFull);
  ExpectNothingChanged();
}

TEST_F(TrainingFailureTest, WhatADeadCoordinatorLeftOfATrainingIsRemoved) {
  const CollectionRecord record = *cluster_.meta.Get("a");
  TrainingChunk chunk;
  chunk.job = record.incarnation.ToString();
  ASSERT_TRUE(cluster_.node(0).AddTrainingChunk(chunk, {}).ok());
  const std::string stray = Train().result;  // promoted, then the metadata goes back in time
  cluster_.meta.Set(record);
  ASSERT_TRUE(cluster_.node(0).AddTrainingChunk(chunk, {}).ok());
  EXPECT_EQ(cluster_.Indexes(), (std::set<std::string>{serving_, stray}));
  cluster_.Restart();
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  ExpectNothingChanged();
}

// The trainer keeps one job at a time: one that is never ended would refuse every other collection.
TEST_F(TrainingFailureTest, AJobThatCouldNotBeEndedIsEndedByReconciling) {
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());  // nothing is lost so far, and that is noted
  cluster_.node(0).HoldTraining(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(started.ok());
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "training"));
  cluster_.node(0).Fail("CancelTraining", Away());
  cluster_.node(0).Fail("GetTraining", Broken());
  EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kFailed);
  EXPECT_TRUE(cluster_.node(0).HasTraining());
  cluster_.node(0).Fail("CancelTraining", absl::OkStatus(), 0);
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  EXPECT_FALSE(cluster_.node(0).HasTraining());
}

TEST_F(TrainingFailureTest, ReconcilingLeavesATrainingThatRunsAlone) {
  cluster_.node(1).HoldEncoding(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "encoding"));
  ASSERT_TRUE(cluster_.reconciler().RunOnce().ok());
  cluster_.node(1).HoldEncoding(false);
  EXPECT_EQ(cluster_.Await(started->id).state, OperationState::kSucceeded);
  EXPECT_EQ(cluster_.node(1).calls("DropIndex"), 0);
}

TEST_F(TrainingFailureTest, StoppingTheCoordinatorEndsItsTrainings) {
  cluster_.node(0).HoldTraining(true);
  const auto started = cluster_.trainer().Start(Call(2));
  ASSERT_TRUE(cluster_.AwaitStage(started->id, "training"));
  EXPECT_TRUE(cluster_.operations().Close(std::chrono::seconds(20)));
  cluster_.node(0).HoldTraining(false);
  ExpectNothingChanged();
  EXPECT_EQ(ReasonOf(cluster_.trainer().Start(Call(2)).status()), reason::kDraining);
}

}  // namespace
}  // namespace kith::coordinator
