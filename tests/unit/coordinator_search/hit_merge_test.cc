#include "coordinator/search/hit_merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <tuple>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "tests/support/scripted_shard.h"

namespace kith::coordinator {
namespace {

using testing::HitsOf;

std::vector<uint64_t> NumbersOf(const HitColumns& hits) {
  std::vector<uint64_t> numbers;
  for (size_t i = 0; i < hits.size(); ++i) {
    numbers.push_back(PointKey::FromBytes(hits.keys.data() + i * PointKey::kSize).number());
  }
  return numbers;
}

HitColumns Merge(std::vector<SearchReply> replies, const MergeOptions& options) {
  std::vector<SearchReply*> pointers;
  for (SearchReply& reply : replies) pointers.push_back(&reply);
  return MergeHits(pointers, options);
}

TEST(HitMerge, OrdersDistancesUpAndSimilaritiesDown) {
  const auto merged =
      Merge({HitsOf({{1, 0.1f}, {2, 0.5f}}, 2), HitsOf({{3, 0.2f}}, 1)}, {Metric::kL2, 1, 10, {}});
  EXPECT_EQ(NumbersOf(merged), (std::vector<uint64_t>{1, 3, 2}));
  const auto similar = Merge({HitsOf({{2, 0.5f}, {1, 0.1f}}, 2), HitsOf({{3, 0.2f}}, 1)},
                             {Metric::kCosine, 1, 10, {}});
  EXPECT_EQ(NumbersOf(similar), (std::vector<uint64_t>{2, 3, 1}));
  EXPECT_EQ(similar.scores, (std::vector<float>{0.5f, 0.2f, 0.1f}));
}

TEST(HitMerge, BreaksTiesByTheBytesOfTheKeyWhicheverShardHasIt) {
  for (const Metric metric : {Metric::kL2, Metric::kInnerProduct}) {
    const auto merged =
        Merge({HitsOf({{2, 1}, {256, 1}}, 2), HitsOf({{1, 1}, {255, 1}}, 2)}, {metric, 1, 3, {}});
    EXPECT_EQ(NumbersOf(merged), (std::vector<uint64_t>{1, 2, 255}));
  }
}

TEST(HitMerge, LeavesOutTheQueryPointAndStillFillsTheLimit) {
  const auto merged =
      Merge({HitsOf({{7, 0}, {8, 1}, {9, 2}}, 3)}, {Metric::kL2, 1, 2, {PointKey::FromNumber(7)}});
  EXPECT_EQ(NumbersOf(merged), (std::vector<uint64_t>{8, 9}));
}

TEST(HitMerge, AnswersNothingForEachQueryWhereNoShardAnswered) {
  const auto merged = Merge({}, {Metric::kL2, 3, 5, {}});
  EXPECT_EQ(merged.counts, (std::vector<uint32_t>{0, 0, 0}));
}

// Against sorting everything, over random batches with many ties.
TEST(HitMerge, EqualsSortingAllHitsOfEveryQuery) {
  std::mt19937 random(7);
  for (int round = 0; round < 200; ++round) {
    const size_t shards = 1 + random() % 5;
    const uint32_t count = 1 + random() % 4;
    const uint32_t limit = 1 + random() % 6;
    std::vector<SearchReply> replies(shards);
    std::vector<std::vector<std::pair<float, uint64_t>>> all(count);
    for (SearchReply& reply : replies) {
      for (uint32_t query = 0; query < count; ++query) {
        std::vector<std::pair<float, uint64_t>> hits(random() % (limit + 1));
        for (auto& hit : hits) hit = {static_cast<float>(random() % 3), random() % 1000};
        std::sort(hits.begin(), hits.end());
        reply.counts.push_back(static_cast<uint32_t>(hits.size()));
        for (const auto& [score, number] : hits) {
          reply.keys.append(PointKey::FromNumber(number).view());
          reply.scores.push_back(score);
          reply.versions.push_back(number * 2);
          all[query].push_back({score, number});
        }
      }
    }
    const HitColumns merged = Merge(replies, {Metric::kL2, count, limit, {}});
    std::vector<uint64_t> expected;
    for (auto& hits : all) {
      std::sort(hits.begin(), hits.end());
      hits.resize(std::min<size_t>(hits.size(), limit));
      for (const auto& hit : hits) expected.push_back(hit.second);
    }
    ASSERT_EQ(NumbersOf(merged), expected);
    for (size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(merged.versions[i], expected[i] * 2);
  }
}

TEST(HitMerge, RefusesAReplyWhoseColumnsDoNotFit) {
  SearchCall call;
  call.count = 1;
  call.limit = 2;
  const SearchReply good = HitsOf({{1, 0.5f}, {2, 1}}, 2);
  EXPECT_TRUE(CheckReply(good, call).ok());
  const auto reason_of = [&](auto spoil) {
    SearchReply reply = good;
    spoil(reply);
    return ReasonOf(CheckReply(reply, call));
  };
  EXPECT_EQ(reason_of([](SearchReply& r) { r.counts = {1}; }), reason::kCorruption);
  EXPECT_EQ(reason_of([](SearchReply& r) { r.counts = {2, 0}; }), reason::kCorruption);
  EXPECT_EQ(reason_of([](SearchReply& r) { r.keys.pop_back(); }), reason::kCorruption);
  EXPECT_EQ(reason_of([](SearchReply& r) { r.scores.pop_back(); }), reason::kCorruption);
  EXPECT_EQ(reason_of([](SearchReply& r) { r.versions.push_back(1); }), reason::kCorruption);
  EXPECT_EQ(reason_of([](SearchReply& r) { r.codes_done = r.codes_planned + 1; }),
            reason::kCorruption);
  call.limit = 1;
  EXPECT_EQ(ReasonOf(CheckReply(good, call)), reason::kCorruption);
}

}  // namespace
}  // namespace kith::coordinator
