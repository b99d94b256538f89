// Lists that are scanned for two queries at a time: each query finds what it finds alone.
#include <gtest/gtest.h>

#include <utility>

#include "tests/unit/index_gpu/agreement.h"

namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;
using ::kith::testing::Schedule;

class CardPairs : public ::testing::TestWithParam<Case> {};

TEST_P(CardPairs, Lists_that_are_scanned_for_two_queries_at_a_time_give_each_its_own) {
  CardCollection collection(GetParam().shape, 15);
  EmulatedCard card({.schedule = Schedule::kShuffled, .seed = 7});
  ResidentOptions pairs = collection.Options();
  pairs.pair_visits = 0;
  const auto index = LoadAll(card, collection, pairs);
  ASSERT_NE(index, nullptr);
  SearchOptions options;
  options.refine = 30;
  options.rerank = 15;
  uint64_t batches = 0;
  for (const auto& [queries, nprobe] : {std::pair(8u, 5u), std::pair(3u, 12u), std::pair(2u, 1u)}) {
    options.nprobe = nprobe;
    const Asked asked = AskBoth(*index, collection, options, queries);
    ExpectSameHitsButForTies(asked, options);
    ExpectSameWork(asked, options);
    ASSERT_FALSE(HasFailure()) << "nprobe " << nprobe << " queries " << queries;
    EXPECT_EQ(card.paired_batches(), ++batches);
  }
  EXPECT_EQ(card.banks().lanes_of_a_bank, 1u);
}

INSTANTIATE_TEST_SUITE_P(All, CardPairs, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(CardPairsTest, Lists_are_scanned_for_two_queries_under_a_filter_too) {
  CardCollection collection({}, 16);
  EmulatedCard card({.schedule = Schedule::kShuffled});
  ResidentOptions pairs = collection.Options();
  pairs.pair_visits = 0;
  const auto index = LoadAll(card, collection, pairs);
  SearchOptions options;
  options.nprobe = 5;
  options.refine = 40;
  options.rerank = 20;
  options.passing_rows = 15;
  for (const double share : {0.6, 0.1}) {
    collection.SetFilter(share);
    options.passing_share = share;
    const Asked asked = AskBoth(*index, collection, options, 8);
    ExpectSameHitsButForTies(asked, options);
    for (const CardAnswer& answer : asked.raw) EXPECT_TRUE(answer.is_of_card);
  }
  EXPECT_EQ(card.paired_batches(), 2u);
}

TEST(CardPairsTest, Pages_of_several_groups_are_scanned_from_any_group_on) {
  CollectionShape shape;
  shape.points = 4000;
  shape.lists = 6;
  CardCollection collection(shape, 32);
  SearchOptions options;
  options.nprobe = 6;
  options.refine = 30;
  options.rerank = 12;
  for (const double pair_visits : {1e9, 0.0}) {
    EmulatedCard card({.schedule = Schedule::kShuffled});
    ResidentOptions room = collection.Options();
    room.limits.entries_max = 4096;  // all that the first round finds
    room.load.page_vectors = 128;    // and lists of some 330 in each segment
    room.load.pages = 64;
    room.pair_visits = pair_visits;
    const auto index = LoadAll(card, collection, room);
    ASSERT_NE(index, nullptr);
    const Asked asked = AskBoth(*index, collection, options, 5);
    ExpectSameHitsButForTies(asked, options);
    ExpectSameWork(asked, options);
    EXPECT_EQ(card.paired_batches(), pair_visits == 0 ? 1u : 0u);
  }
}

}  // namespace
}  // namespace kith::index::gpu
