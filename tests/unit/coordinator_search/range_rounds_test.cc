#include "coordinator/search/range_rounds.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "common/base/limits.h"
#include "coordinator/search/search_defaults.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;

class RangeRoundsTest : public ::testing::Test {
 protected:
  RangeRoundsTest() {
    cluster_.record.serving_version = "v1";
    cluster_.record.trained_lists = 1024;
    cluster_.record.target_recall = 0.9;
    cluster_.record.recall = {{16, 0.95, 0.02, 0.95, 160}};
    cluster_.Publish();
    for (const auto& route : cluster_.entry()->routes) route->NoteLivePoints(1'000'000);
    query_.parameters.max_distance = 100;
  }
  SearchPlan Fitted() {
    SearchPlan plan = *PlanSearch(cluster_.entry(), query_);
    rounds_.Fit(plan);
    return plan;
  }
  // One round in which both shards find so many points together.
  bool Round(uint64_t within, uint32_t crowded = 0) {
    plan_ = Fitted();
    Replies<SearchReply> replies;
    for (uint64_t i = 0; i < 2; ++i) {
      SearchReply reply;
      reply.points_within = within / 2 + i * (within % 2);
      reply.queries_crowded = i == 0 ? crowded : 0;
      replies.emplace_back(reply);
    }
    return rounds_.WantsMore(plan_, replies, time_);
  }
  Completeness Outcome() {
    return CompletenessOf(plan_, Replies<SearchReply>(2, SearchReply()), rounds_);
  }

  testing::ScriptedCluster cluster_{2};
  SearchQuery query_;
  RangeRounds rounds_;
  SearchPlan plan_;
  RoundTime time_{Deadline(), Deadline() + milliseconds(1), Deadline() + milliseconds(1000)};
};

TEST_F(RangeRoundsTest, ASearchWithoutARangeHasOneRoundAsPlanned) {
  query_.parameters.max_distance.reset();
  const SearchPlan planned = *PlanSearch(cluster_.entry(), query_);
  EXPECT_FALSE(Round(5));
  EXPECT_EQ(plan_.call.nprobe, planned.call.nprobe);
  EXPECT_EQ(rounds_.rounds(), 0u);
}

TEST_F(RangeRoundsTest, ListsAreDoubledUntilTheLastDoublingBringsLittle) {
  EXPECT_TRUE(Round(100));
  const uint32_t first = plan_.call.nprobe;
  EXPECT_TRUE(Round(180));
  EXPECT_EQ(plan_.call.nprobe, 2 * first);
  EXPECT_EQ(plan_.call.stop_ratio, 0) << "the nearest points say nothing of the range";
  EXPECT_TRUE(Round(200)) << "a tenth more, and the target may miss a twentieth";
  EXPECT_FALSE(Round(205));
  EXPECT_EQ(plan_.call.nprobe, 8 * first);
  EXPECT_EQ(rounds_.rounds(), 4u);
  EXPECT_EQ(rounds_.points_within(), 205u);
  EXPECT_EQ(Outcome(), Completeness::kTargetRecall);
}

TEST_F(RangeRoundsTest, AHigherTargetGoesOnLonger) {
  query_.parameters.target_recall = 0.99;
  EXPECT_TRUE(Round(200));
  EXPECT_TRUE(Round(205));
  EXPECT_FALSE(Round(206));
}

TEST_F(RangeRoundsTest, WhereNothingIsWithinItEndsAfterTheSecondLook) {
  EXPECT_TRUE(Round(0));
  EXPECT_FALSE(Round(0));
  EXPECT_EQ(Outcome(), Completeness::kTargetRecall);
}

TEST_F(RangeRoundsTest, EndsWithTheLastList) {
  uint64_t within = 10;
  while (Round(within)) within *= 2;
  EXPECT_EQ(plan_.call.nprobe, 1024u);
  EXPECT_EQ(Outcome(), Completeness::kTargetRecall);
}

TEST_F(RangeRoundsTest, LooksDeeperWhereADepthCutOffWhatMayBeWithin) {
  EXPECT_TRUE(Round(100, 1));
  const uint32_t refine = plan_.call.refine;
  const uint32_t rerank = plan_.call.rerank;
  EXPECT_TRUE(Round(100, 1)) << "as many as before, but they were cut";
  EXPECT_EQ(plan_.call.refine, 4 * refine);
  EXPECT_EQ(plan_.call.rerank, 4 * rerank);
  EXPECT_FALSE(Round(100, 0));
  EXPECT_EQ(Outcome(), Completeness::kTargetRecall);
}

TEST_F(RangeRoundsTest, SaysSoWhereEvenTheGreatestDepthIsCrowded) {
  uint64_t within = 1000;
  int rounds = 0;
  while (Round(within *= 2, 1)) ASSERT_LT(++rounds, 20);
  EXPECT_EQ(plan_.call.refine, limits::kRefineMax);
  EXPECT_EQ(plan_.call.rerank, limits::kRerankMax);
  EXPECT_EQ(Outcome(), Completeness::kDepth);
}

TEST_F(RangeRoundsTest, EndsWhereTheNextRoundWouldComeTooLate) {
  time_.now = time_.begun + milliseconds(400);
  EXPECT_FALSE(Round(100));
  EXPECT_EQ(Outcome(), Completeness::kDepth);
}

TEST_F(RangeRoundsTest, DepthThatIsNamedIsTheOnlyOne) {
  query_.parameters.nprobe = 5;
  EXPECT_FALSE(Round(100));
  EXPECT_EQ(plan_.call.nprobe, 5u);
  EXPECT_EQ(Outcome(), Completeness::kDepth);
  EXPECT_EQ(rounds_.points_within(), 100u);
}

TEST_F(RangeRoundsTest, WhatComparesEveryPointIsExactAtOnce) {
  query_.parameters.exact = true;
  EXPECT_FALSE(Round(100));
  EXPECT_EQ(Outcome(), Completeness::kExact);
}

TEST_F(RangeRoundsTest, AFilterThatFewPassIsExactAtOnce) {
  SearchPlan plan = Fitted();
  Replies<SearchReply> replies(2, SearchReply());
  for (auto& reply : replies) reply->filter_strategy = FilterStrategy::kExact;
  EXPECT_FALSE(rounds_.WantsMore(plan, replies, time_));
  EXPECT_EQ(CompletenessOf(plan, replies, rounds_), Completeness::kExact);
  replies[1]->filter_strategy = FilterStrategy::kLists;
  EXPECT_NE(CompletenessOf(plan, replies, rounds_), Completeness::kExact);
}

TEST_F(RangeRoundsTest, AShardThatFailedEndsTheLooking) {
  SearchPlan plan = Fitted();
  Replies<SearchReply> replies(2, SearchReply());
  replies[1] = absl::UnavailableError("gone");
  EXPECT_FALSE(rounds_.WantsMore(plan, replies, time_));
  EXPECT_EQ(CompletenessOf(plan, replies, rounds_), Completeness::kDepth);
}

}  // namespace
}  // namespace kith::coordinator
