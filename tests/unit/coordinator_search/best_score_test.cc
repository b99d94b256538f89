#include "coordinator/search/best_score.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>
#include <vector>

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

HitColumns Hits(const std::vector<std::vector<std::pair<uint64_t, float>>>& queries) {
  HitColumns hits;
  for (const auto& query : queries) {
    hits.counts.push_back(static_cast<uint32_t>(query.size()));
    for (const auto& [number, score] : query) {
      hits.keys.append(PointKey::FromNumber(number).view());
      hits.scores.push_back(score);
      hits.versions.push_back(number + 100);
    }
  }
  return hits;
}

std::vector<uint64_t> NumbersOf(const HitColumns& hits) {
  std::vector<uint64_t> numbers;
  for (size_t at = 0; at < hits.keys.size(); at += PointKey::kSize) {
    numbers.push_back(PointKey::FromBytes(hits.keys.data() + at).number());
  }
  return numbers;
}

TEST(BestScore, APointHasTheScoreOfItsNearestExample) {
  const HitColumns best =
      FoldBest(Hits({{{1, 1.0f}, {2, 5.0f}, {3, 9.0f}}, {{2, 0.5f}, {1, 4.0f}}}), Metric::kL2, 10);
  EXPECT_THAT(NumbersOf(best), ElementsAre(2, 1, 3));
  EXPECT_THAT(best.scores, ElementsAre(0.5f, 1.0f, 9.0f));
  EXPECT_THAT(best.versions, ElementsAre(102, 101, 103));
  EXPECT_THAT(best.counts, ElementsAre(3));
}

TEST(BestScore, SimilaritiesDescendAndTiesGoByKey) {
  const HitColumns best =
      FoldBest(Hits({{{9, 0.9f}, {4, 0.5f}}, {{3, 0.9f}, {4, 0.8f}}}), Metric::kCosine, 2);
  EXPECT_THAT(NumbersOf(best), ElementsAre(3, 9));
}

TEST(BestScore, WhatIsNearerToANegativeExampleIsLeftOut) {
  const HitColumns hits = Hits({{{1, 1.0f}, {2, 2.0f}, {3, 3.0f}, {4, 4.0f}}});
  const HitColumns near = Hits(
      {{{2, 1.9f}, {1, 5.0f}, {3, 8.0f}, {4, 9.0f}}, {{1, 5.0f}, {2, 6.0f}, {3, 3.0f}, {4, 9.0f}}});
  EXPECT_THAT(NumbersOf(WithoutNearer(hits, near, Metric::kL2, 10)), ElementsAre(1, 3, 4));
  EXPECT_THAT(NumbersOf(WithoutNearer(hits, near, Metric::kL2, 2)), ElementsAre(1, 3));
  EXPECT_THAT(NumbersOf(WithoutNearer(hits, Hits({{{3, 7.0f}}}), Metric::kL2, 10)), ElementsAre(3))
      << "points that are not there any more are left out";
}

TEST(BestScore, AsksTheNegativeOnesAboutTheHitsAndNothingElse) {
  SearchPlan plan;
  plan.call.incarnation = Uuid{{4}};
  plan.call.score_bound = 2;
  const HitColumns hits = Hits({{{1, 1.0f}, {2, 2.0f}}});
  const SearchCall call = NegativeCall(plan, hits, 5);
  EXPECT_EQ(call.count, 5u);
  EXPECT_EQ(call.limit, 2u);
  EXPECT_TRUE(call.exact);
  EXPECT_EQ(call.filter->keys, hits.keys);
  EXPECT_EQ(call.incarnation, plan.call.incarnation);
  EXPECT_FALSE(call.score_bound.has_value()) << "a negative example may be far from every hit";
}

TEST(BestScore, WithNegativeExamplesTwiceAsManyAreLookedFor) {
  Examples examples;
  EXPECT_EQ(CandidatesOf(10, examples), 10u);
  examples.negative.resize(1);
  EXPECT_EQ(CandidatesOf(10, examples), 20u);
  EXPECT_EQ(CandidatesOf(900, examples), 1000u);
}

}  // namespace
}  // namespace kith::coordinator
