#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/training/train_service.h"
#include "coordinator/search/recall_curve.h"
#include "coordinator/search/search_defaults.h"
#include "index/plan.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;

class TrainingTest : public ::testing::Test {
 protected:
  static void Prepare(AdminCluster& cluster, uint32_t shards, uint64_t points) {
    ASSERT_TRUE(cluster.collections().Create(AdminCluster::Call("a", shards)).ok());
    cluster.Fill("a", points);
  }
  static TrainCall Call() {
    TrainCall call;
    call.collection = "a";
    call.index.lists = 16;
    return call;
  }
  static Operation Train(AdminCluster& cluster, const TrainCall& call) {
    const auto started = cluster.trainer().Start(call);
    EXPECT_TRUE(started.ok()) << started.status();
    return started.ok() ? cluster.Await(started->id) : Operation();
  }
};

TEST_F(TrainingTest, ATrainedCollectionServesItsIndexOnEveryShard) {
  AdminCluster cluster(3);
  Prepare(cluster, 4, 2000);
  const Operation operation = Train(cluster, Call());
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_DOUBLE_EQ(operation.progress, 1);
  EXPECT_EQ(operation.stage, "promoting");
  const CollectionRecord record = *cluster.meta.Get("a");
  EXPECT_EQ(record.serving_version, operation.result);
  EXPECT_EQ(record.previous_version, "");
  EXPECT_EQ(record.trained_lists, 16u);
  EXPECT_EQ(record.lists, 0u) << "what was asked for at creation stays";
  EXPECT_EQ((*cluster.map().Find("a"))->record.serving_version, operation.result);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(cluster.node(i).HasArtifact(operation.result));
    EXPECT_FALSE(cluster.node(i).HasTraining()) << "the sample is freed";
    for (const ShardId shard : cluster.node(i).shards()) {
      EXPECT_THAT(cluster.node(i).IndexesOf(shard), ElementsAre(operation.result));
    }
  }
  const auto view = cluster.collections().Get("a");
  EXPECT_EQ(view->status, CollectionStatus::kGreen);
  EXPECT_EQ(view->indexed_points, 2000u);
}

TEST_F(TrainingTest, OneAndFourShardsGiveTheSameSampleAndArtifact) {
  AdminCluster one(1);
  AdminCluster four(4);
  Prepare(one, 1, 2000);
  Prepare(four, 4, 2000);
  const Operation first = Train(one, Call());
  const Operation second = Train(four, Call());
  ASSERT_EQ(first.state, OperationState::kSucceeded) << first.error_message;
  EXPECT_EQ(first.result, second.result);
  const auto sample = one.node(0).last_sample();
  EXPECT_EQ(sample, four.node(0).last_sample());
  // 2000 points, of which a tenth is held out.
  ASSERT_EQ(sample.size(), 1800u);
  std::set<std::pair<uint64_t, std::string>> distinct(sample.begin(), sample.end());
  EXPECT_EQ(distinct.size(), sample.size());
  EXPECT_EQ(one.meta.Get("a")->recall.size(), four.meta.Get("a")->recall.size());
  for (size_t i = 0; i < one.meta.Get("a")->recall.size(); ++i) {
    EXPECT_EQ(one.meta.Get("a")->recall[i].recall_at_10,
              four.meta.Get("a")->recall[i].recall_at_10);
  }
}

TEST_F(TrainingTest, TheSampleIsThePointsWithTheSmallestHashes) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 2000);
  TrainCall call = Call();
  call.seed = 99;
  ASSERT_EQ(Train(cluster, call).state, OperationState::kSucceeded);
  std::vector<std::pair<uint64_t, std::string>> expected;
  for (uint64_t i = 0; i < 2000; ++i) {
    const PointKey key = PointKey::FromNumber(i);
    expected.emplace_back(SampleHash(99, key), std::string(key.view()));
  }
  std::sort(expected.begin(), expected.end());
  expected.resize(1800);
  EXPECT_EQ(cluster.node(0).last_sample(), expected);
}

TEST_F(TrainingTest, TheMeasuredCurveIsThatOfTheIndex) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 4000);
  ASSERT_EQ(Train(cluster, Call()).state, OperationState::kSucceeded);
  const CollectionRecord record = *cluster.meta.Get("a");
  ASSERT_GE(record.recall.size(), 5u);
  // The fake's lists take points at random: nprobe of 16 lists find nprobe/16 of the neighbours.
  for (const RecallMeasure& measure : record.recall) {
    EXPECT_NEAR(measure.recall_at_10, measure.nprobe / 16.0, 0.05) << measure.nprobe;
    EXPECT_NEAR(measure.scanned_share, measure.nprobe / 16.0, 0.05) << measure.nprobe;
    EXPECT_LT(measure.recall_low, measure.recall_at_10);
  }
  EXPECT_EQ(record.recall.back().nprobe, 16u);
  EXPECT_DOUBLE_EQ(record.recall.back().recall_at_10, 1.0)
      << "with all lists and without the query itself the answers are equal";
  EXPECT_GE(ChooseProbes(record, 0.9).nprobe, 14u);
  for (const RecallMeasure& measure : record.recall) {
    EXPECT_EQ(measure.refine, RefineOfShard(2) / 2) << "it gets there: nothing harder was measured";
  }
}

TEST_F(TrainingTest, RecallThatTheUsualDepthCannotShowIsMeasuredDeeper) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 2000);
  cluster.node(0).LoseBelowRefine(kRefineOfAllShards);
  ASSERT_EQ(Train(cluster, Call()).state, OperationState::kSucceeded);
  const CollectionRecord record = *cluster.meta.Get("a");
  EXPECT_EQ(record.recall.front().refine, kRefineDefault / 2);
  EXPECT_EQ(record.recall.back().refine, kRefineOfAllShards);
  const ProbeChoice choice = ChooseProbes(record, 0.95);
  EXPECT_TRUE(choice.is_reached);
  EXPECT_EQ(choice.effort.refine, kRefineOfAllShards);
  EXPECT_EQ(ChooseProbes(record, 0.5).effort.refine, kRefineDefault / 2) << "easy stays cheap";
  EXPECT_EQ(cluster.collections().Get("a")->is_recall_reached, true);
}

TEST_F(TrainingTest, RecallThatNoDepthCanShowIsSaidAndNotBoughtWithAllLists) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 2000);
  cluster.node(0).LoseBelowRefine(kRefineOfAllShards + 1);
  TrainCall call = Call();
  call.index.lists = 64;
  ASSERT_EQ(Train(cluster, call).state, OperationState::kSucceeded);
  const CollectionRecord record = *cluster.meta.Get("a");
  EXPECT_EQ(record.recall.back().refine, kRefineDefault / 2) << "more work brought nothing";
  const ProbeChoice choice = ChooseProbes(record, 0.95);
  EXPECT_FALSE(choice.is_reached);
  EXPECT_LE(choice.nprobe, 4u) << "5 % of the points, not 64 lists";
  EXPECT_EQ(cluster.collections().Get("a")->status, CollectionStatus::kGreen)
      << "so small that searches are exact";
  cluster.Fill("a", index::kFlatPoints);
  const auto view = cluster.collections().Get("a");
  EXPECT_EQ(view->is_recall_reached, false);
  EXPECT_EQ(view->status, CollectionStatus::kYellow);
  EXPECT_THAT(view->reasons, ElementsAre(::testing::HasSubstr("target_recall")));
}

TEST_F(TrainingTest, RecallIsMeasuredUnderEveryElementTypeAndMetric) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct, Metric::kCosine}) {
    for (const ElementType type : {ElementType::kF32, ElementType::kF16, ElementType::kU8}) {
      AdminCluster cluster(2);
      CreateCollectionCall create = AdminCluster::Call("a", 2);
      create.metric = metric;
      create.element_type = type;
      create.dimension = 16 / static_cast<uint32_t>(ElementSize(type));
      ASSERT_TRUE(cluster.collections().Create(create).ok());
      for (uint64_t i = 0; i < 600; ++i) {
        const PointKey key = PointKey::FromNumber(i);
        const CollectionRecord record = *cluster.meta.Get("a");
        const ShardPlacement& placement = record.shards[SlotOf(key) / 2048];
        std::string vector(16, 0);
        for (size_t b = 0; b < 16; ++b) {  // small positive numbers whatever the type
          const size_t size = ElementSize(type);
          const bool top = b % size == size - 1;
          vector[b] = static_cast<char>(size == 1 ? 1 + (i * 31 + b * 7) % 200
                                        : top     ? 0x3c
                                                  : (i * 31 + b * 7) % 128);
        }
        cluster.NodeOf(placement).Put(placement.shard, key, vector);
      }
      const Operation operation = Train(cluster, Call());
      ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
      EXPECT_DOUBLE_EQ(cluster.meta.Get("a")->recall.back().recall_at_10, 1.0);
    }
  }
}

TEST_F(TrainingTest, TooFewPointsAreRefusedAtOnceWithBothNumbers) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 255);
  const auto started = cluster.trainer().Start(Call());
  EXPECT_EQ(started.status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(started.status()), reason::kTooFewPoints);
  EXPECT_EQ(FactOf(started.status(), "points"), "255");
  EXPECT_EQ(FactOf(started.status(), "needed"), "256");
  EXPECT_TRUE(cluster.operations().List("a").empty());
}

TEST_F(TrainingTest, TheFewestPointsThatMayBeTrainedAre) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 256);
  TrainCall call = Call();
  call.index.lists = 0;
  const Operation operation = Train(cluster, call);
  ASSERT_EQ(operation.state, OperationState::kSucceeded) << operation.error_message;
  EXPECT_EQ(cluster.meta.Get("a")->trained_lists, index::AutoLists(256));
  EXPECT_EQ(cluster.node(0).last_sample().size(), 256u);
  EXPECT_FALSE(cluster.meta.Get("a")->recall.empty());
}

TEST_F(TrainingTest, TheVersionBeforeIsKeptAndTheOneBeforeThatDropped) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 1000);
  std::vector<std::string> versions;
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    TrainCall call = Call();
    call.seed = seed;
    versions.push_back(Train(cluster, call).result);
  }
  const CollectionRecord record = *cluster.meta.Get("a");
  EXPECT_EQ(record.serving_version, versions[2]);
  EXPECT_EQ(record.previous_version, versions[1]);
  EXPECT_EQ(cluster.Indexes(), (std::set<std::string>{versions[1], versions[2]}));
}

TEST_F(TrainingTest, TrainingTheSamePointsAgainKeepsTheVersionAndTheOneBefore) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 1000);
  TrainCall call = Call();
  const std::string before = Train(cluster, call).result;
  call.seed = 5;
  const std::string serving = Train(cluster, call).result;
  const Operation again = Train(cluster, call);
  ASSERT_EQ(again.state, OperationState::kSucceeded);
  EXPECT_EQ(again.result, serving);
  EXPECT_EQ(cluster.meta.Get("a")->previous_version, before);
  EXPECT_EQ(cluster.Indexes(), (std::set<std::string>{before, serving}));
}

TEST_F(TrainingTest, OneTrainingACollectionAtATime) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 1000);
  cluster.node(0).HoldTraining(true);
  const auto first = cluster.trainer().Start(Call());
  ASSERT_TRUE(first.ok());
  const auto second = cluster.trainer().Start(Call());
  EXPECT_EQ(second.status().code(), absl::StatusCode::kAborted);
  EXPECT_EQ(ReasonOf(second.status()), reason::kTrainingInProgress);
  cluster.node(0).HoldTraining(false);
  EXPECT_EQ(cluster.Await(first->id).state, OperationState::kSucceeded);
  EXPECT_TRUE(cluster.trainer().Start(Call()).ok());
}

TEST_F(TrainingTest, BadParametersAndUnknownCollectionsAreRefused) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 1000);
  TrainCall call = Call();
  call.index.subspaces = 5;  // of 4 dimensions
  EXPECT_EQ(FactOf(cluster.trainer().Start(call).status(), kFieldFact), "index.subspaces");
  call.collection = "b";
  EXPECT_EQ(ReasonOf(cluster.trainer().Start(call).status()), reason::kCollectionNotFound);
}

TEST_F(TrainingTest, ATrainingThatDoesNotFitInANodesMemoryIsRefusedWithBothFigures) {
  AdminCluster cluster(2);
  Prepare(cluster, 2, 1000);
  Executor jobs({"jobs", 1, 8, 0});
  TrainService strict(cluster.catalog(), cluster.operations(), jobs, 20'000);
  const absl::Status refused = strict.Start(Call()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kMemoryLimit);
  EXPECT_EQ(FactOf(refused, "steady_bytes"), "0") << "nothing was trained yet";
  EXPECT_GT(std::stoull(*FactOf(refused, "peak_bytes")), 20'000u);
  TrainService roomy(cluster.catalog(), cluster.operations(), jobs, 2'000'000);
  const auto started = roomy.Start(Call());
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(cluster.Await(started->id).state, OperationState::kSucceeded);
}

TEST_F(TrainingTest, AnotherCollectionsMemoryIsNotThereForATraining) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 1000);
  ASSERT_TRUE(cluster.collections().Create(AdminCluster::Call("b", 1)).ok());
  Executor jobs({"jobs", 1, 8, 0});
  TrainService service(cluster.catalog(), cluster.operations(), jobs, 2'000'000);
  cluster.node(0).SetCodeBytes(999'999);  // of each of both shards
  const absl::Status refused = service.Start(Call()).status();
  EXPECT_EQ(ReasonOf(refused), reason::kMemoryLimit) << refused;
  EXPECT_EQ(FactOf(refused, "steady_bytes"), "999999");
  EXPECT_GT(std::stoull(*FactOf(refused, "short_bytes")), 0u);
  EXPECT_THAT(std::string(refused.message()), ::testing::HasSubstr("kith index drop"));
  cluster.node(0).SetCodeBytes(0);
  const auto started = service.Start(Call());
  ASSERT_TRUE(started.ok()) << started.status();
  EXPECT_EQ(cluster.Await(started->id).state, OperationState::kSucceeded);
}

TEST_F(TrainingTest, TheOperationSaysWhatWasChosenAndWhy) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 1000);
  const auto started = cluster.trainer().Start(Call());
  ASSERT_TRUE(started.ok());
  EXPECT_THAT(started->chosen, ::testing::ElementsAre(::testing::HasSubstr("lists: as asked for"),
                                                      ::testing::HasSubstr("sub-spaces"),
                                                      ::testing::HasSubstr("memory is not known")));
  EXPECT_EQ(cluster.Await(started->id).chosen, started->chosen);
}

TEST_F(TrainingTest, WhatTheTrainingWasAskedForIsKept) {
  AdminCluster cluster(1);
  Prepare(cluster, 1, 1000);
  TrainCall call = Call();
  call.index.target_recall = 0.9;
  ASSERT_EQ(Train(cluster, call).state, OperationState::kSucceeded);
  EXPECT_DOUBLE_EQ(cluster.meta.Get("a")->target_recall, 0.9);
}

}  // namespace
}  // namespace kith::coordinator
