// Collections, operations and what a missing node looks like, over a real socket.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <thread>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/integration/public_rpc/public_rpc_fixture.h"

namespace kith {
namespace {

using ::testing::ElementsAre;

TEST_F(PublicRpc, VerifiesEveryShardOfACollection) {
  Create();
  FillLine(50);
  v1::VerifyCollectionRequest request;
  request.set_collection("c");
  v1::VerifyCollectionResponse verified;
  const auto verify = [&] {
    verified.Clear();
    return server_.Call(*server_.collections, &Collections::VerifyCollection, request, &verified);
  };
  ASSERT_TRUE(verify().ok());
  ASSERT_EQ(verified.shards_size(), 2);
  EXPECT_TRUE(verified.equal());
  EXPECT_EQ(verified.shards(0).points() + verified.shards(1).points(), 50u);
  EXPECT_EQ(verified.shards(0).slots_checked(), 4096u);
  server_.cluster.node(0).Corrupt("Verify");
  server_.cluster.node(1).SetDown(true);
  ASSERT_TRUE(verify().ok());
  EXPECT_FALSE(verified.equal());
  EXPECT_EQ(verified.shards(0).index_mismatches(), 1u);
  EXPECT_EQ(verified.shards(1).error_reason(), reason::kShardUnavailable);
  EXPECT_EQ(verified.shards(1).node(), "n1");
  request.set_collection("d");
  EXPECT_EQ(ReasonOf(verify()), reason::kCollectionNotFound);
}

TEST_F(PublicRpc, SaysHowMuchIsMissingWhereANodeIsDown) {
  Create();
  FillLine(100);
  const auto whole = Find(Near(5));
  ASSERT_TRUE(whole.ok()) << whole.status();
  server_.cluster.node(1).SetDown(true);
  const absl::Status status = Find(Near(5)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), reason::kCoverageBelowMinimum);
  ASSERT_TRUE(FactOf(status, "coverage").has_value());
  v1::SearchRequest lenient = Near(5);
  lenient.mutable_parameters()->set_min_coverage(0.1);
  const auto part = Find(lenient);
  ASSERT_TRUE(part.ok()) << part.status();
  EXPECT_LT(part->coverage().ratio(), 1);
  EXPECT_GT(part->coverage().ratio(), 0.1);
  EXPECT_EQ(part->coverage().shards_ok(), 1u);
  EXPECT_EQ(part->coverage().failed_size(), 1);
  EXPECT_EQ(part->degraded_size(), 1);
}

TEST_F(PublicRpc, DescribesCollectionsAndRefusesASecondOfTheName) {
  Create(v1::ELEMENT_TYPE_F16, v1::METRIC_COSINE);
  v1::ListCollectionsResponse list;
  ASSERT_TRUE(server_
                  .Call(*server_.collections, &Collections::ListCollections,
                        v1::ListCollectionsRequest(), &list)
                  .ok());
  ASSERT_EQ(list.collections_size(), 1);
  EXPECT_EQ(list.collections(0).metric(), v1::METRIC_COSINE);
  v1::GetCollectionRequest get;
  get.set_collection("c");
  v1::Collection got;
  ASSERT_TRUE(server_.Call(*server_.collections, &Collections::GetCollection, get, &got).ok());
  EXPECT_EQ(got.incarnation().size(), 36u);
  EXPECT_EQ(got.dimension(), 2u);
  v1::CreateCollectionRequest again;
  again.set_collection("c");
  again.set_dimension(2);
  again.set_metric(v1::METRIC_L2);
  again.set_element_type(v1::ELEMENT_TYPE_F32);
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.collections, &Collections::CreateCollection, again, &got)),
      reason::kCollectionExists);
  again.set_collection("d");
  again.clear_metric();
  const absl::Status no_metric =
      server_.Call(*server_.collections, &Collections::CreateCollection, again, &got);
  EXPECT_EQ(FactOf(no_metric, kFieldFact), "metric");
  v1::PlanCollectionRequest plan;
  plan.set_dimension(96);
  plan.set_element_type(v1::ELEMENT_TYPE_F32);
  plan.set_metric(v1::METRIC_L2);
  plan.set_points(1'000'000);
  v1::PlanCollectionResponse planned;
  ASSERT_TRUE(
      server_.Call(*server_.collections, &Collections::PlanCollection, plan, &planned).ok());
  EXPECT_GT(planned.lists(), 0u);
  EXPECT_GT(planned.steady().codes(), 0u);
  EXPECT_GE(planned.retrain_peak_bytes(), planned.steady_bytes());
}

TEST_F(PublicRpc, StartsTrainingAndFollowsTheOperation) {
  Create();
  v1::TrainIndexRequest train;
  train.set_collection("c");
  v1::Operation operation;
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.collections, &Collections::TrainIndex, train, &operation)),
      reason::kTooFewPoints);
  FillLine(5000);
  train.mutable_index()->set_lists(16);
  train.mutable_index()->set_subspaces(1);
  const absl::Status started =
      server_.Call(*server_.collections, &Collections::TrainIndex, train, &operation);
  ASSERT_TRUE(started.ok()) << started;
  v1::GetOperationRequest get;
  get.set_id(operation.id());
  for (int i = 0; i < 1000 && operation.state() == v1::Operation::STATE_RUNNING; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    ASSERT_TRUE(server_.Call(*server_.operations, &Operations::GetOperation, get, &operation).ok());
  }
  ASSERT_EQ(operation.state(), v1::Operation::STATE_SUCCEEDED) << operation.DebugString();
  v1::SearchRequest near = Near(5);
  near.mutable_parameters()->set_explain(true);
  near.mutable_parameters()->set_nprobe(16);
  const auto found = Find(near);
  ASSERT_TRUE(found.ok()) << found.status();
  EXPECT_EQ(found->index_version(), operation.result());
  EXPECT_EQ(found->explanation().strategy(), "ivf");
  EXPECT_EQ(found->explanation().nprobe(), 16u);
  EXPECT_GT(found->explanation().refine(), 0u);
  EXPECT_EQ(found->explanation().index_version(), operation.result());
  EXPECT_FALSE(found->explanation().has_target_recall());
  ASSERT_EQ(found->explanation().shards_size(), 2);
  EXPECT_EQ(
      found->explanation().shards(0).rows_scanned() + found->explanation().shards(1).rows_scanned(),
      found->explanation().rows_scanned());
  EXPECT_EQ(found->explanation().shards(0).points() + found->explanation().shards(1).points(),
            5000u);
  EXPECT_THAT(NumbersOf(*found), ElementsAre(5, 4, 6));
  near.mutable_parameters()->set_nprobe(1000);
  EXPECT_EQ(Find(near)->explanation().nprobe(), 16u) << "there are no more lists";
  near.mutable_parameters()->clear_nprobe();
  near.mutable_parameters()->set_target_recall(0.9);
  EXPECT_TRUE(Find(near)->explanation().target_recall_reached());
  EXPECT_EQ(Find(near)->explanation().target_recall(), 0.9);
  EXPECT_EQ(Find(near)->explanation().target_recall_source(), "request");
  near.mutable_parameters()->clear_target_recall();
  const auto small = Find(near);
  EXPECT_EQ(small->explanation().strategy(), "flat");
  EXPECT_EQ(small->explanation().strategy_reason(), "the collection has fewer than 50,000 points");
  EXPECT_EQ(small->index_version(), "");
  v1::ListOperationsResponse list;
  ASSERT_TRUE(server_
                  .Call(*server_.operations, &Operations::ListOperations,
                        v1::ListOperationsRequest(), &list)
                  .ok());
  ASSERT_EQ(list.operations_size(), 1);
  EXPECT_EQ(list.operations(0).kind(), "train");
  EXPECT_TRUE(list.operations(0).promoted());
  EXPECT_FALSE(list.operations(0).has_comparison()) << "nothing served before";
  get.set_id("nope");
  EXPECT_EQ(
      ReasonOf(server_.Call(*server_.operations, &Operations::CancelOperation, get, &operation)),
      reason::kOperationNotFound);
}

}  // namespace
}  // namespace kith
