// What an answer tells of how it came to be.
#include <gtest/gtest.h>

#include "coordinator/search/query_plan.h"
#include "coordinator/search/search_reply.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using testing::HitsOf;

class ExplainTest : public ::testing::Test {
 protected:
  void SetUp() override {
    cluster_.record.serving_version = "v1";
    cluster_.record.trained_lists = 8;
    cluster_.record.target_recall = 0.85;
    cluster_.record.recall = {{2, 0.95, 0.02, 0.94, 160}};
    cluster_.Publish();
    for (const auto& route : cluster_.entry()->routes) route->NoteLivePoints(100'000);
    query_.collection = "c";
    query_.parameters.explain = true;
  }
  // The second shard does twice what the first does.
  SearchAnswer Answer() {
    const auto plan = PlanSearch(cluster_.entry(), query_);
    EXPECT_TRUE(plan.ok()) << plan.status();
    Replies<SearchReply> replies;
    for (uint64_t i = 1; i <= 2; ++i) {
      SearchReply reply = HitsOf({{i, 1.0f}}, 100'000 * i);
      reply.work = {2 * i, 300 * i, 4 * i, 50 * i, 6 * i};
      reply.stages.refine_ns = 7'000 * i;
      replies.emplace_back(std::move(reply));
    }
    auto answer = MakeAnswer(*plan, query_, replies);
    EXPECT_TRUE(answer.ok()) << answer.status();
    return *std::move(answer);
  }

  testing::ScriptedCluster cluster_{2};
  SearchQuery query_;
};

TEST_F(ExplainTest, TellsWhatEachShardDidAndTheSum) {
  const SearchAnswer answer = Answer();
  const Explanation& told = *answer.explanation;
  EXPECT_STREQ(told.strategy, "ivf");
  EXPECT_EQ(answer.index_version, "v1");
  EXPECT_EQ(told.points_total, 300'000u);
  EXPECT_EQ(told.work.lists_probed, 6u);
  EXPECT_EQ(told.work.rows_reranked, 18u);
  ASSERT_EQ(told.shards.size(), 2u);
  EXPECT_EQ(told.shards[1].points, 200'000u);
  EXPECT_EQ(told.shards[1].work.lists_probed, 4u);
  EXPECT_EQ(told.shards[1].work.rows_scanned, 600u);
  EXPECT_EQ(told.shards[1].work.rows_exact, 8u);
  EXPECT_EQ(told.shards[1].work.rows_refined, 100u);
  EXPECT_EQ(told.shards[1].work.rows_reranked, 12u);
  EXPECT_EQ(told.shards[1].stages.refine_ns, 14'000u);
}

TEST_F(ExplainTest, TellsWhatRecallIsAimedAtAndWhoSaidSo) {
  EXPECT_EQ(Answer().explanation->target_recall, 0.85);
  EXPECT_STREQ(Answer().explanation->target_recall_source, "collection");
  query_.parameters.target_recall = 0.9;
  EXPECT_EQ(Answer().explanation->target_recall, 0.9);
  EXPECT_STREQ(Answer().explanation->target_recall_source, "request");
  EXPECT_EQ(Answer().explanation->nprobe, 2u);
}

TEST_F(ExplainTest, NothingIsAimedAtWhereNprobeIsNamedOrEveryPointIsCompared) {
  query_.parameters.nprobe = 3;
  EXPECT_FALSE(Answer().explanation->target_recall.has_value());
  EXPECT_STREQ(Answer().explanation->target_recall_source, "");
  EXPECT_EQ(Answer().explanation->nprobe, 3u);
  query_.parameters.nprobe.reset();
  query_.parameters.exact = true;
  EXPECT_FALSE(Answer().explanation->target_recall.has_value());
  EXPECT_STREQ(Answer().explanation->strategy, "flat");
}

}  // namespace
}  // namespace kith::coordinator
