#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

#include "tests/unit/index_gpu/agreement.h"

// Ranges (hits of at most a rank) and later pages: a card finds what is near, the host what of it
// is within the bound or behind the page before.
namespace kith::index::gpu {
namespace {

using ::kith::testing::EmulatedCard;

constexpr uint32_t kQueries = 6;

// Counts by which a range is searched further, beside the hits.
void ExpectSameRange(const Asked& asked, const SearchOptions& options) {
  EXPECT_LT(ExpectSameHitsButForTies(asked, options), kQueries);
  for (size_t i = 0; i < asked.of_card.size(); ++i) {
    EXPECT_TRUE(asked.raw[i].is_of_card);
    if (IsTied(asked.raw[i], options)) continue;
    EXPECT_EQ(asked.of_card[i].work.rows_within, asked.of_cpu[i].work.rows_within) << i;
    EXPECT_EQ(asked.of_card[i].work.crowded, asked.of_cpu[i].work.crowded) << i;
  }
}

class CardRanges : public ::testing::TestWithParam<Case> {
 protected:
  CardRanges() : collection_(GetParam().shape, 17) {
    options_.nprobe = 12;
    options_.refine = 60;
    // Where plane B has the exact ranks there is no cut behind it, and no ties at one.
    options_.rerank = collection_.version->parameters.plane_b == PlaneB::kRawU8 ? 60 : 30;
  }
  void SetUp() override {
    index_ = LoadAll(card_, collection_, collection_.Options());
    ASSERT_NE(index_, nullptr);
  }
  // Of all hits of some query.
  Hit HitAt(size_t place) {
    SearchOptions unbound = options_;
    unbound.rank_bound = std::numeric_limits<float>::infinity();
    unbound.after.reset();
    const Asked all = AskBoth(*index_, collection_, unbound, 1);
    const auto& hits = all.of_cpu[0].hits;
    return hits[std::min(place, hits.size() - 1)];
  }

  CardCollection collection_;
  EmulatedCard card_;
  std::unique_ptr<ResidentIndex> index_;
  SearchOptions options_;
};

TEST_P(CardRanges, What_lies_within_a_rank_is_the_same_and_counted_alike) {
  options_.limit = 40;
  for (const size_t place : {size_t{2}, size_t{20}, size_t{39}}) {
    options_.rank_bound = HitAt(place).rank;
    const Asked asked = AskBoth(*index_, collection_, options_, kQueries);
    ExpectSameRange(asked, options_);
    ExpectSameWork(asked, options_);
  }
  options_.rank_bound = std::numeric_limits<float>::lowest();
  const Asked none = AskBoth(*index_, collection_, options_, kQueries);
  ExpectSameRange(none, options_);
  for (const SearchAnswer& answer : none.of_card) EXPECT_TRUE(answer.hits.empty());
}

TEST_P(CardRanges, A_later_page_begins_behind_the_one_before) {
  options_.limit = 8;
  const RowTable rows = collection_.View().rows;
  for (const size_t place : {size_t{0}, size_t{7}}) {
    const Hit last = HitAt(place);
    options_.after = RankPlace{last.rank, rows.Key(last.row)};
    ExpectSameRange(AskBoth(*index_, collection_, options_, kQueries), options_);
    options_.rank_bound = last.rank * 1.25f + 1;
    ExpectSameRange(AskBoth(*index_, collection_, options_, kQueries), options_);
    options_.rank_bound = std::numeric_limits<float>::infinity();
  }
}

TEST_P(CardRanges, Of_what_passes_a_filter_the_range_is_the_same) {
  collection_.SetFilter(0.4);
  options_.limit = 20;
  options_.rank_bound = HitAt(12).rank;
  const Asked asked = AskBoth(*index_, collection_, options_, kQueries);
  ExpectSameRange(asked, options_);
}

INSTANTIATE_TEST_SUITE_P(All, CardRanges, ::testing::ValuesIn(Cases()),
                         [](const auto& one) { return one.param.name; });

TEST(CardRangesTest, A_cut_that_may_hide_rows_within_is_told_apart_from_none) {
  CollectionShape shape;
  shape.tail = 0;
  CardCollection collection(shape, 5);
  EmulatedCard card;
  const auto index = LoadAll(card, collection, collection.Options());
  SearchOptions options;
  options.nprobe = 40;
  options.limit = 10;
  options.rank_bound = std::numeric_limits<float>::max();
  for (const auto& [refine, rerank, crowded] :
       {std::tuple(50u, 50u, 1u), std::tuple(2000u, 30u, 1u), std::tuple(2000u, 2000u, 0u)}) {
    options.refine = refine;
    options.rerank = rerank;
    const Asked asked = AskBoth(*index, collection, options, 4);
    ExpectSameRange(asked, options);
    for (const SearchAnswer& answer : asked.of_card) EXPECT_EQ(answer.work.crowded, crowded);
  }
}

// A scan that begins again below the depth-th of a sample finds no more than the depth where the
// nearest were all in that sample; what it passed over is cut all the same.
TEST(CardRangesTest, Rows_left_out_by_a_threshold_of_a_sample_are_cut) {
  CollectionShape shape;
  shape.points = 500;
  shape.lists = shape.segments = 1;
  shape.tail = 0;
  shape.dead_share = 0;
  CardCollection collection(shape);
  EncodedRows rows;
  for (uint32_t row = 0; row < 500; ++row) {
    rows.rows.push_back(row);
    rows.lists.push_back(0);
    rows.bias.push_back(row < 20 ? row : 60'000);  // twenty are nearer than all others
    rows.plane_a.insert(rows.plane_a.end(), 12, 9);
    rows.plane_b.insert(rows.plane_b.end(), 24, 5);
  }
  collection.segments = {ListSegment::FromEncoded(*collection.version, rows)};
  EmulatedCard card;
  ResidentOptions small = collection.Options();
  small.limits.entries_max = 64;
  const auto index = LoadAll(card, collection, small);
  SearchOptions options;
  options.refine = options.rerank = 20;
  options.rank_bound = std::numeric_limits<float>::max();
  const Asked asked = AskBoth(*index, collection, options, 8);
  ExpectSameRange(asked, options);
  for (const CardAnswer& answer : asked.raw) EXPECT_EQ(answer.result.found, 20u);
  for (const SearchAnswer& answer : asked.of_card) EXPECT_EQ(answer.work.crowded, 1u);
}

TEST(CardRangesTest, What_is_within_is_counted_in_segments_elsewhere_too) {
  CollectionShape shape;
  shape.segments = 3;
  CardCollection collection(shape, 41);
  EmulatedCard card;
  auto index = ResidentIndex::Create(card, collection.version, collection.Options());
  ASSERT_TRUE(index.ok());
  SearchOptions options;
  options.nprobe = 40;
  options.limit = 10;
  options.refine = options.rerank = 2000;
  const Asked all = AskBoth(**index, collection, options, 1);
  options.rank_bound = all.of_cpu[0].hits[6].rank;
  options.after = RankPlace{all.of_cpu[0].hits[2].rank, {}};
  while (true) {
    const Asked asked = AskBoth(**index, collection, options, kQueries);
    ExpectSameHits(asked);
    for (uint32_t i = 0; i < kQueries; ++i) {
      EXPECT_EQ(asked.of_card[i].work.rows_within, asked.of_cpu[i].work.rows_within);
      EXPECT_EQ(asked.of_card[i].work.crowded, 0u);
    }
    const Result<bool> stepped = (*index)->Step(collection.segments);
    ASSERT_TRUE(stepped.ok());
    if (!*stepped) break;
  }
  EXPECT_EQ(ScopeOf(**index, collection.View()).on_card.size(), 3u);
}

}  // namespace
}  // namespace kith::index::gpu
