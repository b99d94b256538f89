#include "coordinator/search/query_plan.h"

#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/search_limits.h"
#include "common/base/status.h"
#include "coordinator/search/recall_curve.h"
#include "coordinator/search/search_defaults.h"
#include "index/plan.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

class QueryPlan : public ::testing::Test {
 protected:
  void Train() {
    cluster_.record.serving_version = "v1";
    cluster_.record.trained_lists = 256;
    cluster_.record.target_recall = 0.95;
    cluster_.record.recall = {
        {4, 0.90, 0.01, 0.90, 90}, {16, 0.97, 0.05, 0.97, 90}, {64, 1, 0.2, 1, 90}};
    cluster_.Publish();
    SetPoints(index::kFlatPoints);
  }
  // Of both shards together.
  void SetPoints(uint64_t points) {
    cluster_.entry()->routes[0]->NoteLivePoints(points / 2);
    cluster_.entry()->routes[1]->NoteLivePoints(points - points / 2);
  }
  SearchPlan Plan() {
    auto plan = PlanSearch(cluster_.entry(), query_);
    EXPECT_TRUE(plan.ok()) << plan.status();
    return *plan;
  }

  testing::ScriptedCluster cluster_{2};
  SearchQuery query_;
};

TEST_F(QueryPlan, ComparesEveryRowWhereNothingIsTrained) {
  const SearchPlan plan = Plan();
  EXPECT_TRUE(plan.is_flat);
  EXPECT_EQ(plan.call.index_version, "");
  EXPECT_EQ(plan.call.limit, limits::kLimitDefault);
  EXPECT_FALSE(plan.call.exact);
}

TEST_F(QueryPlan, TakesNprobeFromTheCurveOfTheServingVersion) {
  Train();
  const uint32_t usual = Plan().call.nprobe;
  EXPECT_EQ(usual, ChooseProbes(cluster_.record, 0.95).nprobe);
  EXPECT_EQ(Plan().call.refine, 90u) << "as deep as the curve was measured";
  EXPECT_EQ(Plan().call.index_version, "v1");
  EXPECT_EQ(Plan().call.incarnation, cluster_.record.incarnation);
  EXPECT_EQ(Plan().is_recall_reached, true);
  EXPECT_FALSE(Plan().is_flat);
  query_.parameters.target_recall = 0.99;
  EXPECT_EQ(Plan().call.nprobe, ChooseProbes(cluster_.record, 0.99).nprobe);
  EXPECT_GT(Plan().call.nprobe, usual);
  query_.parameters.target_recall.reset();
  query_.parameters.nprobe = 7;
  EXPECT_EQ(Plan().call.nprobe, 7u);
  EXPECT_EQ(Plan().is_recall_reached, std::nullopt) << "nobody asked for one";
  query_.parameters = {};
  query_.parameters.refine = 10;
  EXPECT_EQ(Plan().is_recall_reached, std::nullopt) << "it was measured with another depth";
}

TEST_F(QueryPlan, SaysWhereTheCurveDoesNotShowTheRecallAskedFor) {
  Train();
  cluster_.record.recall.pop_back();
  cluster_.Publish();
  query_.parameters.target_recall = 0.999;
  EXPECT_EQ(Plan().is_recall_reached, false);
  EXPECT_EQ(Plan().call.nprobe, 16u) << "not all 256 lists";
}

TEST_F(QueryPlan, PagesThatAreToHoldManyHitsLookAsDeepFromTheFirst) {
  Train();
  const SearchPlan ten = Plan();
  query_.page_depth = 10;
  EXPECT_EQ(Plan().call.nprobe, ten.call.nprobe);
  query_.page_depth = 80;
  EXPECT_EQ(Plan().call.nprobe, 2 * ten.call.nprobe) << "by the cube root of eight";
  EXPECT_EQ(Plan().call.refine, 320u);
  EXPECT_EQ(Plan().call.rerank, 160u);
  EXPECT_EQ(Plan().limit, limits::kLimitDefault);
  query_.page_depth = limits::kPageDepthMax;
  EXPECT_EQ(Plan().call.refine, limits::kRefineMax);
  EXPECT_EQ(Plan().call.rerank, limits::kRerankMax);
  EXPECT_LE(Plan().call.nprobe, 256u);
  query_.parameters.nprobe = 5;
  EXPECT_EQ(Plan().call.nprobe, 5u) << "what is named is what is done";
}

TEST_F(QueryPlan, AsksForNoMoreListsThanThereAre) {
  Train();
  query_.parameters.nprobe = 10'000;
  EXPECT_EQ(Plan().call.nprobe, 256u);
}

TEST_F(QueryPlan, AnswersASmallCollectionExactlyUnlessADepthIsNamed) {
  Train();
  SetPoints(index::kFlatPoints - 1);
  EXPECT_TRUE(Plan().is_flat);
  EXPECT_EQ(Plan().call.index_version, "");
  EXPECT_STREQ(Plan().flat_reason, "the collection has fewer than 50,000 points");
  const auto uses_index = [&](auto name) {
    query_.parameters = {};
    name(query_.parameters);
    return !Plan().is_flat && Plan().call.index_version == "v1";
  };
  EXPECT_TRUE(uses_index([](SearchParameters& p) { p.nprobe = 1; }));
  EXPECT_TRUE(uses_index([](SearchParameters& p) { p.target_recall = 0.9; }));
  EXPECT_TRUE(uses_index([](SearchParameters& p) { p.refine = 1; }));
  EXPECT_TRUE(uses_index([](SearchParameters& p) { p.rerank = 1; }));
  query_.parameters = {};
  SetPoints(index::kFlatPoints);
  EXPECT_FALSE(Plan().is_flat);
}

TEST_F(QueryPlan, SaysExactWhereTheCallerDoes) {
  Train();
  query_.parameters.exact = true;
  EXPECT_TRUE(Plan().is_flat);
  EXPECT_TRUE(Plan().call.exact);
  EXPECT_STREQ(Plan().flat_reason, "exact was asked for");
  EXPECT_EQ(Plan().call.index_version, "") << "no index is needed, ready or not";
}

TEST(SearchDefaults, AllShardsTogetherLookNoDeeperThanAllowed) {
  EXPECT_EQ(RefineOfShard(1), kRefineDefault);
  EXPECT_EQ(RerankOfShard(1), kRerankDefault);
  for (size_t shards = 1; shards <= 256; ++shards) {
    EXPECT_LE(RefineOfShard(shards) * shards, kRefineOfAllShards);
    EXPECT_LE(RerankOfShard(shards) * shards, kRerankOfAllShards);
  }
}

TEST_F(QueryPlan, LooksDeeperForMoreHitsUnlessTold) {
  const size_t shards = Plan().entry->routes.size();
  EXPECT_EQ(Plan().call.refine, RefineOfShard(shards));
  EXPECT_EQ(Plan().call.rerank, RerankOfShard(shards));
  query_.parameters.limit = 100;
  EXPECT_GE(Plan().call.rerank, 100u);
  EXPECT_GE(Plan().call.refine, Plan().call.rerank);
  query_.parameters.refine = 0xffffffffu;
  query_.parameters.rerank = 5;
  EXPECT_EQ(Plan().call.refine, 0xffffffffu);
  EXPECT_EQ(Plan().call.rerank, 5u);
}

TEST_F(QueryPlan, AsksForOneMoreWhereThePointItselfIsLeftOut) {
  query_.point = PointKey::FromNumber(3);
  query_.parameters.limit = 5;
  EXPECT_EQ(Plan().limit, 5u);
  EXPECT_EQ(Plan().call.limit, 6u);
}

TEST_F(QueryPlan, PassesTheBoundOfEitherMetric) {
  EXPECT_FALSE(Plan().call.score_bound.has_value());
  query_.parameters.max_distance = 0.1;
  EXPECT_EQ(Plan().call.score_bound, 0.1f);
  query_.parameters.max_distance.reset();
  query_.parameters.min_score = -1e300;
  EXPECT_EQ(Plan().call.score_bound, std::numeric_limits<float>::lowest());
}

TEST_F(QueryPlan, GivesEachShardTheNewestTokenOfItsOwn) {
  query_.parameters.tokens = {{2, 0, 5}, {2, 0, 9}, {2, 0, 7}};
  const SearchPlan plan = Plan();
  EXPECT_EQ(plan.CallFor(0, "q").wait_lsn, 0u);
  EXPECT_EQ(plan.CallFor(1, "q").wait_lsn, 9u);
  EXPECT_EQ(plan.CallFor(1, "q").shard, 2u);
  EXPECT_EQ(plan.CallFor(1, "q").queries, "q");
}

TEST_F(QueryPlan, ATokenOfALaterEpochIsNewerWhateverItsLsn) {
  query_.parameters.tokens = {{2, 1, 500}, {2, 2, 3}, {2, 1, 900}};
  EXPECT_EQ(Plan().CallFor(1, "q").wait_lsn, 3u);
}

TEST_F(QueryPlan, RefusesATokenOfAnotherCollectionsShard) {
  query_.parameters.tokens = {{1, 0, 5}, {77, 0, 9}};
  const auto plan = PlanSearch(cluster_.entry(), query_);
  EXPECT_EQ(ReasonOf(plan.status()), reason::kBadRequest);
  EXPECT_EQ(FactOf(plan.status(), kFieldFact), "parameters.tokens[1].shard");
  query_.parameters.tokens.assign(limits::kTokensMax + 1, {1, 0, 1});
  EXPECT_EQ(ReasonOf(PlanSearch(cluster_.entry(), query_).status()), reason::kBatchTooLarge);
}

}  // namespace
}  // namespace kith::coordinator
