#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"
#include "tests/unit/coordinator_admin/admin_cluster.h"

namespace kith::coordinator {
namespace {

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

TEST_F(CollectionPlanTest, WhereOnlyTheRetrainDoesNotFitBothFiguresAreNamed) {
  PlanCollectionCall call = Sift(10'000'000);
  const auto roomy = *cluster_.collections().Plan(call);
  const uint64_t steady = roomy.steady_bytes - roomy.steady.rows;
  call.memory_limit_bytes = steady + 1;
  const auto plan = cluster_.collections().Plan(call);
  ASSERT_TRUE(plan.ok());
  EXPECT_FALSE(plan->fits);
  EXPECT_THAT(plan->why_not, ::testing::AllOf(::testing::HasSubstr(std::to_string(steady)),
                                              ::testing::HasSubstr(std::to_string(steady + 1))));
  call.memory_limit_bytes = roomy.retrain_peak_bytes - roomy.steady.rows;
  EXPECT_TRUE(cluster_.collections().Plan(call)->fits);
}

TEST_F(CollectionPlanTest, ShardsOnTwoNodesNeedHalfOfTheMemoryEach) {
  PlanCollectionCall call = Sift(10'000'000);
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
  call.index.target_recall = 0.9;
  EXPECT_EQ(field(call), "index.target_recall") << "it takes no memory: it would be ignored";
}

}  // namespace
}  // namespace kith::coordinator
