#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

PlanCollectionCall Sift(uint64_t points) {
  PlanCollectionCall call;
  call.dimension = 128;
  call.element_type = ElementType::kU8;
  call.metric = Metric::kL2;
  call.points = points;
  call.shards = 1;
  call.memory_limit_bytes = uint64_t{1} << 40;
  return call;
}

class CollectionPlanTest : public ::testing::Test {
 protected:
  AdminCluster cluster_{2};
};

TEST_F(CollectionPlanTest, BytesAreThoseOfTheIndexArithmetic) {
  const auto plan = cluster_.collections().Plan(Sift(1'000'000));
  ASSERT_TRUE(plan.ok()) << plan.status();
  EXPECT_EQ(plan->lists, 4096u);
  EXPECT_EQ(plan->subspaces, 16u);
  EXPECT_EQ(plan->sample_points, 163'840u);
  // 16 + 2 + 4 bytes a code, in blocks of 16.
  EXPECT_EQ(plan->steady.codes, (1'000'000 + 4096 * 15 / 2) * 18u + 1'000'000 * 4 + 4096 * 32);
  EXPECT_EQ(plan->steady.refine, 128'000'000u);
  EXPECT_EQ(plan->steady.rows, 1'000'000u * 176);
  EXPECT_EQ(plan->steady_bytes, plan->steady.codes + plan->steady.refine + plan->steady.quantizer +
                                    plan->steady.rows + plan->steady.tombstones);
  EXPECT_DOUBLE_EQ(plan->bytes_per_vector, static_cast<double>(plan->steady_bytes) / 1e6);
  EXPECT_TRUE(plan->fits);
  EXPECT_EQ(plan->why_not, "");
}

TEST_F(CollectionPlanTest, ARetrainNeedsAtLeastASecondSetOfCodes) {
  const auto plan = cluster_.collections().Plan(Sift(10'000'000));
  EXPECT_GE(plan->retrain_peak_bytes,
            plan->steady_bytes + plan->steady.codes + plan->steady.refine);
}

TEST_F(CollectionPlanTest, WhereOnlyTheRetrainDoesNotFitTheFiguresAreNamed) {
  PlanCollectionCall call = Sift(10'000'000);
  call.index.subspaces = 16;
  call.index.plane_b_bytes = 128;
  const auto roomy = *cluster_.collections().Plan(call);
  const uint64_t steady = roomy.steady_bytes - roomy.steady.rows;
  const uint64_t again = roomy.retrain_peak_bytes - roomy.steady.rows;
  call.memory_limit_bytes = again - 1;
  const auto plan = cluster_.collections().Plan(call);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->fits);
  EXPECT_THAT(plan->why_not,
              AllOf(HasSubstr(std::to_string(steady)), HasSubstr(std::to_string(again)),
                    HasSubstr(std::to_string(again - 1)), HasSubstr("can be trained once")));
  call.memory_limit_bytes = again;
  EXPECT_TRUE(cluster_.collections().Plan(call)->fits);
}

TEST_F(CollectionPlanTest, LessMemoryMakesASmallerShapeAndSaysWhy) {
  PlanCollectionCall call = Sift(10'000'000);
  const auto roomy = *cluster_.collections().Plan(call);
  EXPECT_EQ(roomy.plane_b_bytes, 128u);
  EXPECT_THAT(roomy.chosen, ElementsAre(HasSubstr("16384 lists"), HasSubstr("16 sub-spaces"),
                                        HasSubstr("128 bytes of plane B, one a dimension")));
  call.memory_limit_bytes = roomy.retrain_peak_bytes - roomy.steady.rows - 1;
  const auto tight = *cluster_.collections().Plan(call);
  EXPECT_TRUE(tight.fits) << tight.why_not;
  EXPECT_EQ(tight.plane_b_bytes, 64u);
  EXPECT_EQ(tight.subspaces, 16u);
  EXPECT_EQ(tight.steady.refine, 10'000'000u * 64);
  EXPECT_THAT(tight.chosen, ElementsAre(HasSubstr("16384 lists"), HasSubstr("16 sub-spaces"),
                                        AllOf(HasSubstr("64 bytes of plane B for 128 dimensions"),
                                              HasSubstr("are left"))));
  call.memory_limit_bytes = tight.retrain_peak_bytes - tight.steady.rows - 1;
  EXPECT_THAT(cluster_.collections().Plan(call)->chosen,
              Contains(HasSubstr("12 sub-spaces instead of 16")));
}

TEST_F(CollectionPlanTest, WhereNothingFitsItSaysByHowMuchAndWhatWouldHelp) {
  PlanCollectionCall call = Sift(100'000'000);
  call.memory_limit_bytes = uint64_t{4} << 30;
  const auto plan = cluster_.collections().Plan(call);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->fits);
  EXPECT_THAT(plan->why_not,
              AllOf(HasSubstr(std::to_string(call.memory_limit_bytes)), HasSubstr("bytes more"),
                    HasSubstr("give each node"), HasSubstr("times as many nodes and shards"),
                    HasSubstr("no more than about"), HasSubstr("embed into")));
  EXPECT_THAT(plan->chosen, Contains(HasSubstr("do not fit even so")));
}

TEST_F(CollectionPlanTest, ARecallThatSuchAShapeWasMeasuredToMissIsSaid) {
  PlanCollectionCall call = Sift(1'000'000);
  EXPECT_EQ(cluster_.collections().Plan(call)->chosen.size(), 3u);
  call.index.target_recall = 0.99;
  EXPECT_EQ(cluster_.collections().Plan(call)->chosen.size(), 3u);
  call.index.subspaces = 8;
  EXPECT_THAT(cluster_.collections().Plan(call)->chosen,
              Contains(AllOf(HasSubstr("0.99 may be out of reach"), HasSubstr("0.9858"),
                             HasSubstr("estimate"))));
  call.index.subspaces = 3;
  EXPECT_EQ(cluster_.collections().Plan(call)->chosen.size(), 3u) << "never measured";
  call.index.subspaces = 0;
  call.index.target_recall = 0.999;
  EXPECT_THAT(cluster_.collections().Plan(call)->chosen, Contains(HasSubstr("0.9952")));
}

TEST_F(CollectionPlanTest, WhatOtherCollectionsHoldIsNotLeft) {
  CollectionService limited(cluster_.catalog(), cluster_.operations(), {1, 4'000'000'000});
  PlanCollectionCall call = Sift(10'000'000);
  call.memory_limit_bytes = 0;
  EXPECT_EQ(limited.Plan(call)->plane_b_bytes, 128u);
  ASSERT_TRUE(cluster_.collections().Create(AdminCluster::Call("other", 1)).ok());
  cluster_.Fill("other", 10);
  cluster_.node(0).SetCodeBytes(2'000'000'000);
  const auto beside = limited.Plan(call);
  ASSERT_TRUE(beside.ok());
  EXPECT_LT(beside->plane_b_bytes, 128u);
  EXPECT_THAT(beside->chosen, Contains(HasSubstr("2.00 GB are left")));
  call.memory_limit_bytes = 4'000'000'000;
  EXPECT_EQ(limited.Plan(call)->plane_b_bytes, 128u) << "what is asked about is taken as it is";
}

TEST_F(CollectionPlanTest, ShardsOnTwoNodesNeedHalfOfTheMemoryEach) {
  PlanCollectionCall call = Sift(10'000'000);
  call.index.subspaces = 16;
  call.index.plane_b_bytes = 128;
  const auto one = *cluster_.collections().Plan(call);
  call.memory_limit_bytes = (one.retrain_peak_bytes - one.steady.rows) * 6 / 10;
  EXPECT_FALSE(cluster_.collections().Plan(call)->fits);
  call.shards = 2;
  EXPECT_TRUE(cluster_.collections().Plan(call)->fits);
}

TEST_F(CollectionPlanTest, ASmallCollectionIsSearchedExactlyAndNeedsOnlyRows) {
  const auto plan = cluster_.collections().Plan(Sift(index::kFlatPoints - 1));
  EXPECT_EQ(plan->lists, 0u);
  EXPECT_EQ(plan->steady.codes, 0u);
  EXPECT_GT(plan->steady.rows, 0u);
}

TEST_F(CollectionPlanTest, BadFieldsAreNamed) {
  const auto field = [&](const PlanCollectionCall& call) {
    return FactOf(cluster_.collections().Plan(call).status(), kFieldFact).value_or("none");
  };
  PlanCollectionCall call = Sift(0);
  EXPECT_EQ(field(call), "points");
  call = Sift(uint64_t{1} << 40);
  EXPECT_EQ(field(call), "points");
  call = Sift(1000);
  call.dimension = 0;
  EXPECT_EQ(field(call), "dimension");
  call = Sift(1000);
  call.shards = 257;
  EXPECT_EQ(field(call), "shards");
  call = Sift(1000);
  call.index.subspaces = 65;
  EXPECT_EQ(field(call), "index.subspaces");
  call = Sift(1000);
  call.index.target_recall = 1.5;
  EXPECT_EQ(field(call), "index.target_recall");
  call = Sift(1000);
  call.index.expected_points = 1000;
  EXPECT_EQ(field(call), "index.expected_points") << "a plan has `points`";
}

}  // namespace
}  // namespace kith::coordinator
