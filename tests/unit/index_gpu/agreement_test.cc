// Searches with a card answer what searches without one do, bit for bit: same lists, same sums of
// bytes, same refined ranks, same stored scores.
#include "tests/unit/index_gpu/agreement.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <string>
#include <vector>

namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;
using ::kith::testing::Schedule;

class CardAgreement : public ::testing::TestWithParam<Case> {};

TEST_P(CardAgreement, A_search_with_a_card_finds_the_same_hits_with_the_same_scores) {
  CardCollection collection(GetParam().shape, 11);
  EmulatedCard card({.schedule = Schedule::kShuffled});
  const auto index = LoadAll(card, collection, collection.Options());
  ASSERT_NE(index, nullptr);
  EXPECT_EQ(index->rows() + collection.segments[0]->side_rows().size() +
                collection.segments[1]->side_rows().size(),
            GetParam().shape.points);
  uint32_t tied = 0;
  for (const uint32_t nprobe : {1u, 5u, 40u}) {
    for (const uint32_t refine : {10u, 50u, kUnlimited / 2}) {
      SearchOptions options;
      options.nprobe = nprobe;
      options.refine = std::min(refine, 1000u);
      options.rerank = std::min(refine / 2, 500u);
      const Asked asked = AskBoth(*index, collection, options, 8);
      tied += ExpectSameHitsButForTies(asked, options);
      ASSERT_FALSE(HasFailure()) << "nprobe " << nprobe << " refine " << options.refine;
      ExpectSameWork(asked, options);
      for (const CardAnswer& answer : asked.raw) EXPECT_TRUE(answer.is_of_card);
    }
  }
  EXPECT_LE(tied, 24u) << "of 72: too few searches were compared to the last hit";
  EXPECT_EQ(card.banks().lanes_of_a_bank, 1u);
}

TEST_P(CardAgreement, Blocks_that_share_a_query_find_what_one_block_finds) {
  CardCollection collection(GetParam().shape, 12);
  EmulatedCard card({.multiprocessors = 3, .schedule = Schedule::kShuffled, .seed = 5});
  ResidentOptions many = collection.Options();
  many.limits.batch_max = 16;
  const auto index = LoadAll(card, collection, many);
  ASSERT_NE(index, nullptr);
  SearchOptions options;
  options.nprobe = 20;
  options.refine = 30;
  options.rerank = 15;
  for (const uint32_t queries : {1u, 2u, 3u}) {
    const Asked asked = AskBoth(*index, collection, options, queries);
    ExpectSameHitsButForTies(asked, options);
    ExpectSameWork(asked, options);
  }
  EXPECT_EQ(card.sliced_batches(), 3u);
}

TEST_P(CardAgreement, Under_a_filter_the_hits_are_the_same_of_those_that_pass) {
  CardCollection collection(GetParam().shape, 14);
  EmulatedCard card({.schedule = Schedule::kShuffled});
  const auto index = LoadAll(card, collection, collection.Options());
  ASSERT_NE(index, nullptr);
  uint32_t of_card = 0;
  for (const double share : {0.6, 0.1, 0.02}) {
    collection.SetFilter(share);
    SearchOptions options;
    options.nprobe = 5;
    options.refine = 40;
    options.rerank = 20;
    options.passing_rows = 15;
    options.passing_share = share;
    for (const uint32_t queries : {8u, 1u}) {
      const Asked asked = AskBoth(*index, collection, options, queries);
      for (size_t i = 0; i < queries; ++i) {
        of_card += asked.raw[i].is_of_card;
        EXPECT_EQ(asked.of_card[i].work.lists_probed, asked.of_cpu[i].work.lists_probed);
        for (const Hit& hit : asked.of_card[i].hits)
          EXPECT_TRUE(collection.View().MayBeHit(hit.row));
      }
      ExpectSameHitsButForTies(asked, options);
    }
  }
  EXPECT_GE(of_card, 25u) << "of 27";
}

INSTANTIATE_TEST_SUITE_P(All, CardAgreement, ::testing::ValuesIn(Cases()),
                         [](const auto& info) { return info.param.name; });

TEST(CardSearchTest, Warps_that_run_at_once_find_the_same) {
  CollectionShape shape;
  shape.points = 300;
  CardCollection collection(shape, 13);
  SearchOptions options;
  options.nprobe = 10;
  options.refine = 20;
  options.rerank = 10;
  for (const double pair_visits : {2.1, 2.0}) {
    EmulatedCard card({.schedule = Schedule::kThreads});
    ResidentOptions room = collection.Options();
    room.pair_visits = pair_visits;  // eight queries want each list twice
    const auto index = LoadAll(card, collection, room);
    ASSERT_NO_FATAL_FAILURE(ExpectSameHits(AskBoth(*index, collection, options, 8)));
    ASSERT_NO_FATAL_FAILURE(ExpectSameHits(AskBoth(*index, collection, options, 1)));
    EXPECT_EQ(card.paired_batches(), pair_visits == 2 ? 1u : 0u);
  }
}

TEST(CardSearchTest, A_collection_whose_rows_are_all_dead_has_no_hits) {
  CollectionShape shape;
  shape.dead_share = 1;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  for (const uint32_t queries : {8u, 1u}) {
    const Asked asked = AskBoth(*index, collection, options, queries);
    for (const SearchAnswer& answer : asked.of_card) EXPECT_TRUE(answer.hits.empty());
    ExpectSameHits(asked);
    for (const CardAnswer& answer : asked.raw) EXPECT_TRUE(answer.is_of_card);
  }
}

TEST(CardSearchTest, More_hits_than_there_are_points_are_all_points) {
  CollectionShape shape;
  shape.points = 70;
  shape.dead_share = 0;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  options.limit = 500;
  const Asked asked = AskBoth(*index, collection, options, 8);
  ASSERT_NO_FATAL_FAILURE(ExpectSameHits(asked));
  EXPECT_EQ(asked.of_card[0].hits.size(), 90u);
}

TEST(CardSearchTest, Lists_without_a_vector_and_an_index_without_a_segment_are_searched) {
  CollectionShape shape;
  shape.points = 3;
  shape.segments = 1;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  ExpectSameHits(AskBoth(*index, collection, options, 8));
  collection.segments.clear();
  while (*index->Step(collection.segments)) {
  }
  ExpectSameHits(AskBoth(*index, collection, options, 8));
  ExpectSameHits(AskBoth(*index, collection, options, 1));
}

TEST(CardSearchTest, Filters_that_come_by_turns_are_told_apart_and_none_is_none) {
  CardCollection collection({});
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  for (int turn = 0; turn < 3; ++turn) {
    collection.SetFilter(0.5);
    ASSERT_NO_FATAL_FAILURE(ExpectSameHits(AskBoth(*index, collection, options, 4)));
    collection.allowed.clear();
    collection.allowed_lists.reset();
    ASSERT_NO_FATAL_FAILURE(ExpectSameHits(AskBoth(*index, collection, options, 4)));
  }
}

TEST(CardSearchTest, Under_a_filter_a_card_without_all_segments_leaves_the_search_to_the_host) {
  CardCollection collection({});
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  std::vector<uint32_t> more(100);
  std::iota(more.begin(), more.end(), 0u);
  collection.AddSegment(more);
  collection.SetFilter(0.5);
  SearchOptions options;
  options.nprobe = 40;
  const Asked asked = AskBoth(*index, collection, options, 4);
  for (const CardAnswer& answer : asked.raw) EXPECT_FALSE(answer.is_of_card);
  ExpectSameHits(asked);
}

TEST(CardSearchTest, A_bound_on_the_rank_holds) {
  CollectionShape shape;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  const Asked all = AskBoth(*index, collection, options, 1);
  options.rank_bound = all.of_cpu[0].hits[4].rank;
  ExpectSameHits(AskBoth(*index, collection, options, 8));
}

// The lists before the stop are searched wholly: fewer lists asked for give the same.
TEST(CardSearchTest, A_search_that_stops_early_is_one_of_fewer_lists) {
  CollectionShape shape;
  shape.type = ElementType::kU8;
  shape.whole_centroids = true;
  shape.points = 3000;
  uint32_t stopped = 0;
  for (const auto& [queries, pair_visits] :
       {std::pair(8u, 1e9), std::pair(8u, 0.0), std::pair(1u, 0.0)}) {
    CardCollection collection(shape, 21);
    EmulatedCard card;
    ResidentOptions room = collection.Options();
    room.limits.batch_max = 8;
    room.pair_visits = pair_visits;
    const auto index = LoadAll(card, collection, room);
    const IndexView view = collection.View();
    SearchOptions options;
    options.nprobe = 40;
    options.refine = 20;
    options.stop_ratio = 0.9f;
    std::vector<std::vector<std::byte>> vectors;
    std::vector<CardQuestion> questions;
    for (uint32_t i = 0; i < queries; ++i) vectors.push_back(collection.RandomQuery());
    for (const auto& vector : vectors) questions.push_back({vector.data(), &options});
    std::vector<CardAnswer> found(queries);
    CardAsker asker;
    const CardScope scope = ScopeOf(*index, view);
    ASSERT_TRUE(asker.Ask(*index, {view, scope}, questions, found).ok());
    for (uint32_t i = 0; i < queries; ++i) {
      SearchAnswer with_card;
      SearchAnswer of_fewer;
      SearchWorkspace workspace;
      CardFinisher finisher(workspace);
      ASSERT_TRUE(finisher.Finish({view, scope}, questions[i], found[i], with_card).ok());
      SearchOptions fewer = options;
      fewer.stop_ratio = std::numeric_limits<float>::infinity();
      fewer.nprobe = static_cast<uint32_t>(with_card.work.lists_probed);
      ASSERT_GE(fewer.nprobe, 4u);
      stopped += fewer.nprobe < 40;
      ASSERT_TRUE(Search({view, vectors[i].data()}, fewer, workspace, of_fewer).ok());
      EXPECT_EQ(with_card.work.rows_scanned, of_fewer.work.rows_scanned);
      ASSERT_EQ(with_card.hits.size(), of_fewer.hits.size());
      for (size_t hit = 0; hit < of_fewer.hits.size(); ++hit) {
        EXPECT_EQ(with_card.hits[hit].row, of_fewer.hits[hit].row);
      }
    }
  }
  EXPECT_GE(stopped, 4u) << "the ratio stops nothing here: the test says nothing";
}

TEST(CardSearchTest, More_candidates_than_there_is_room_for_are_scanned_again_below_a_threshold) {
  CollectionShape shape;
  shape.points = 4000;
  shape.lists = 6;
  shape.dead_share = 0;
  CardCollection collection(shape, 31);
  SearchOptions options;
  options.nprobe = 6;
  options.refine = 20;
  options.rerank = 12;
  for (const auto& [queries, pair_visits] :
       {std::pair(8u, 1e9), std::pair(8u, 0.0), std::pair(1u, 0.0)}) {
    EmulatedCard card({.schedule = Schedule::kShuffled});
    ResidentOptions small = collection.Options();
    small.limits.entries_max = 64;  // and some 2,700 vectors in the first lists
    small.pair_visits = pair_visits;
    const auto index = LoadAll(card, collection, small);
    const Asked asked = AskBoth(*index, collection, options, queries);
    ASSERT_NO_FATAL_FAILURE(ExpectSameHits(asked));
    for (const CardAnswer& answer : asked.raw) EXPECT_TRUE(answer.is_of_card);
  }
}

TEST(CardSearchTest, Ties_that_fill_the_room_and_depths_beyond_it_are_for_the_host) {
  CollectionShape shape;
  shape.points = 500;
  shape.lists = 1;
  shape.segments = 1;
  CardCollection collection(shape);
  // All codes alike: every rank of plane A is the same.
  EncodedRows alike;
  for (uint32_t row = 0; row < 500; ++row) {
    alike.rows.push_back(row);
    alike.lists.push_back(0);
    alike.bias.push_back(7);
    alike.plane_a.insert(alike.plane_a.end(), 12, 9);
    alike.plane_b.insert(alike.plane_b.end(), 24, 5);
  }
  collection.segments = {ListSegment::FromEncoded(*collection.version, alike)};
  EmulatedCard card;
  ResidentOptions small = collection.Options();
  small.limits.entries_max = 64;
  const auto index = LoadAll(card, collection, small);
  SearchOptions options;
  options.refine = 20;
  options.rerank = 12;
  const Asked ties = AskBoth(*index, collection, options, 8);
  ExpectSameHits(ties);
  for (const CardAnswer& answer : ties.raw) EXPECT_FALSE(answer.is_of_card);

  options.refine = kUnlimited;
  options.rerank = kUnlimited;
  const Asked deep = AskBoth(*index, collection, options, 1);
  ExpectSameHits(deep);
  EXPECT_FALSE(deep.raw[0].is_of_card);
}

TEST(CardSearchTest, Segments_that_are_not_on_the_card_are_searched_on_the_host) {
  CollectionShape shape;
  shape.segments = 3;
  CardCollection collection(shape, 41);
  EmulatedCard card;
  auto index = ResidentIndex::Create(card, collection.version, collection.Options());
  ASSERT_TRUE(index.ok());
  SearchOptions options;
  options.nprobe = 40;
  options.refine = 2000;
  options.rerank = 2000;
  for (int resident = 0; resident <= 3; ++resident) {
    ExpectSameHits(AskBoth(**index, collection, options, 8));
    EXPECT_EQ(ScopeOf(**index, collection.View()).on_card.size(), static_cast<size_t>(resident));
    (void)(*index)->Step(collection.segments);
  }
}

TEST(CardSearchTest, Queries_that_the_card_does_not_take_are_answered_as_ever) {
  CollectionShape shape;
  shape.lists = 100;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 65;  // one more than the scratch has room for
  ExpectSameHits(AskBoth(*index, collection, options, 8));
  options.nprobe = 10;
  options.exact = true;
  ExpectSameHits(AskBoth(*index, collection, options, 8));
  EXPECT_EQ(card.batches(), 0u);
}

TEST(CardSearchTest, A_query_that_is_no_number_is_refused_as_ever) {
  CollectionShape shape;
  CardCollection collection(shape);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  const IndexView view = collection.View();
  const std::vector<float> vector(shape.dimension, std::numeric_limits<float>::quiet_NaN());
  const SearchOptions options;
  const CardQuestion question = {vector.data(), &options};
  CardAnswer found;
  SearchAnswer answer;
  CardAsker asker;
  SearchWorkspace workspace;
  CardFinisher finisher(workspace);
  const CardScope scope = ScopeOf(*index, view);
  ASSERT_TRUE(asker.Ask(*index, {view, scope}, {&question, 1}, {&found, 1}).ok());
  EXPECT_EQ(finisher.Finish({view, scope}, question, found, answer).reason(), "QUERY_NOT_FINITE");
}

}  // namespace
}  // namespace kith::index::gpu
