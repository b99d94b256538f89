#include "index/search.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr float kInfinity = std::numeric_limits<float>::infinity();

// Points 0, 1, 2, ... on a line, in two dimensions, with a noise index over the first of them.
class SearchTest : public ::testing::Test {
 protected:
  void Make(uint32_t points, uint32_t indexed, Metric metric = Metric::kL2) {
    metric_ = metric;
    table_ = std::make_unique<MemoryRows>(metric, ElementType::kF32, 2);
    for (uint32_t i = 0; i < points; ++i) {
      const float vector[2] = {static_cast<float>(i), 1};
      table_->Add(PointKey::FromNumber(i), vector);
    }
    version_ =
        NoiseVersion({.dimension = 2, .metric = metric, .lists = 8, .subspaces = 2}, random_);
    std::vector<uint32_t> rows;
    for (uint32_t row = 0; row < indexed; ++row) rows.push_back(row);
    segments_ = {
        ListSegment::FromEncoded(*version_, NoiseCodes(*version_, table_->table(), rows, random_))};
    indexed_end_ = indexed;
  }

  IndexView View() const {
    return {.metric = metric_,
            .element_type = ElementType::kF32,
            .dimension = 2,
            .rows = table_->table(),
            .tombstones = &tombstones_,
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = indexed_end_};
  }

  Status Ask(const IndexView& view, const SearchOptions& options, float x = 0) {
    const float query[2] = {x, 1};
    return Search({view, query}, options, workspace_, answer_);
  }
  std::vector<uint32_t> HitRows() const {
    std::vector<uint32_t> rows;
    for (const Hit& hit : hits_) rows.push_back(hit.row);
    return rows;
  }

  std::mt19937 random_{3};
  Metric metric_ = Metric::kL2;
  std::unique_ptr<MemoryRows> table_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  uint32_t indexed_end_ = 0;
  Tombstones tombstones_;
  SearchWorkspace workspace_;
  SearchAnswer answer_;
  const std::vector<Hit>& hits_ = answer_.hits;
  const SearchWork& work_ = answer_.work;
};

TEST_F(SearchTest, AnEmptyCollectionHasNoHits) {
  Make(0, 0);
  ASSERT_TRUE(Ask(View(), {}).ok());
  EXPECT_THAT(hits_, IsEmpty());
  EXPECT_EQ(work_.codes_planned, 0u);
  IndexView bare;
  bare.dimension = 2;
  ASSERT_TRUE(Ask(bare, {}).ok());
  EXPECT_THAT(hits_, IsEmpty());
}

TEST_F(SearchTest, ACollectionOfDeadRowsHasNoHits) {
  Make(300, 200);
  std::vector<uint32_t> rows;
  for (uint32_t row = 0; row < 300; ++row) rows.push_back(row);
  tombstones_ = Tombstones().With(rows);
  for (const bool exact : {false, true}) {
    ASSERT_TRUE(Ask(View(), {.nprobe = 8, .exact = exact}).ok());
    EXPECT_THAT(hits_, IsEmpty());
  }
}

TEST_F(SearchTest, GivesEveryPointWhereTheLimitIsAboveTheirNumber) {
  Make(100, 70);
  ASSERT_TRUE(Ask(View(), {.limit = 1000, .nprobe = 8}).ok());
  ASSERT_EQ(hits_.size(), 100u);
  for (uint32_t i = 0; i < 100; ++i) EXPECT_EQ(hits_[i].row, i);
  ASSERT_TRUE(Ask(View(), {.limit = kUnlimited, .nprobe = 8}).ok());
  EXPECT_EQ(hits_.size(), 100u);
}

TEST_F(SearchTest, RaisesTheDepthsToTheLimit) {
  Make(400, 400);
  ASSERT_TRUE(Ask(View(), {.limit = 300, .nprobe = 8, .refine = 1, .rerank = 1}).ok());
  EXPECT_EQ(hits_.size(), 300u);
}

TEST_F(SearchTest, KeepsToTheDepthsAskedFor) {
  Make(1000, 1000);
  ASSERT_TRUE(Ask(View(), {.limit = 5, .nprobe = 8, .refine = 90, .rerank = 20}).ok());
  EXPECT_EQ(work_.rows_refined, 90u);
  EXPECT_EQ(work_.rows_reranked, 20u);
  EXPECT_EQ(work_.lists_probed, 8u);
  EXPECT_EQ(work_.rows_scanned + segments_[0]->side_rows().size(), 1000u);
  EXPECT_EQ(work_.rows_exact, segments_[0]->side_rows().size());
}

TEST_F(SearchTest, LeavesOutHitsBeyondTheRankBoundAndKeepsThoseOnIt) {
  Make(100, 60);
  SearchOptions options{.nprobe = 8, .refine = kUnlimited, .rerank = kUnlimited};
  for (const bool exact : {false, true}) {
    options.exact = exact;
    options.rank_bound = 9;
    ASSERT_TRUE(Ask(View(), options).ok());
    EXPECT_THAT(HitRows(), ElementsAre(0, 1, 2, 3));
    options.rank_bound = -1;
    ASSERT_TRUE(Ask(View(), options).ok());
    EXPECT_THAT(hits_, IsEmpty());
  }
}

TEST_F(SearchTest, BreaksTiesByKeyAndNotByRow) {
  metric_ = Metric::kL2;
  table_ = std::make_unique<MemoryRows>(metric_, ElementType::kF32, 2);
  const float same[2] = {5, 5};
  // More ties than the buffer of the top k holds, the smallest keys last.
  for (uint32_t i = 0; i < 500; ++i) table_->Add(PointKey::FromNumber(10'000 - i), same);
  IndexView view = View();
  view.version = nullptr;
  ASSERT_TRUE(Ask(view, {.limit = 3}).ok());
  EXPECT_THAT(HitRows(), ElementsAre(499, 498, 497));
}

TEST_F(SearchTest, AnExpiredExactSearchSaysHowFarItCame) {
  Make(5000, 0);
  int asked = 0;
  const SearchOptions options{.exact = true, .expired = [&] { return ++asked > 2; }};
  ASSERT_TRUE(Ask(View(), options).ok());
  EXPECT_EQ(work_.codes_planned, 5000u);
  EXPECT_EQ(work_.codes_done, 2048u);
  EXPECT_EQ(work_.rows_exact, 2048u);
  EXPECT_EQ(HitRows().front(), 0u);
  EXPECT_EQ(hits_.size(), 10u);
}

TEST_F(SearchTest, AnExpiredIndexedSearchAnswersFromTheListsItCompleted) {
  Make(2000, 1500);
  SearchOptions options{.nprobe = 8, .refine = 1000, .rerank = 1000};
  ASSERT_TRUE(Ask(View(), options).ok());
  const uint64_t planned = work_.codes_planned;
  EXPECT_EQ(work_.codes_done, planned);
  EXPECT_EQ(planned, 2000u);
  uint64_t before = 0;
  for (int lists = 1; lists < 4; ++lists) {
    int asked = 0;
    options.expired = [&] { return ++asked > lists; };
    ASSERT_TRUE(Ask(View(), options).ok());
    EXPECT_EQ(work_.codes_planned, planned);
    EXPECT_EQ(work_.codes_done, work_.rows_scanned);
    EXPECT_GT(work_.codes_done, before);
    EXPECT_LT(work_.codes_done, planned);
    EXPECT_EQ(hits_.size(), 10u);
    before = work_.codes_done;
  }
}

TEST_F(SearchTest, CandidatesThatTimeDidNotReachAreNotCountedAsDone) {
  Make(3000, 3000);
  const size_t lists = 8;
  size_t asked = 0;
  // Time is up after the last list, in the middle of the exact comparisons.
  const SearchOptions options{
      .nprobe = 8, .refine = kUnlimited, .rerank = kUnlimited, .expired = [&] {
        return ++asked > lists;
      }};
  ASSERT_TRUE(Ask(View(), options).ok());
  EXPECT_EQ(work_.rows_reranked, 1024u);
  EXPECT_EQ(work_.codes_done, 1024u);
  EXPECT_EQ(work_.codes_planned, 3000u);
}

TEST_F(SearchTest, TimeUpAtTheStartGivesNothingAndSaysSo) {
  Make(500, 300);
  for (const bool exact : {false, true}) {
    ASSERT_TRUE(Ask(View(), {.nprobe = 8, .exact = exact, .expired = [] { return true; }}).ok());
    EXPECT_THAT(hits_, IsEmpty());
    EXPECT_EQ(work_.codes_done, 0u);
    EXPECT_EQ(work_.codes_planned, 500u);
  }
}

TEST_F(SearchTest, RefusesOptionsOutOfRange) {
  Make(10, 10);
  EXPECT_EQ(Ask(View(), {.limit = 0}).reason(), "LIMIT_ZERO");
  EXPECT_EQ(Ask(View(), {.nprobe = 0}).reason(), "NPROBE_ZERO");
  EXPECT_EQ(Ask(View(), {.rank_bound = std::nanf("")}).reason(), "RANK_BOUND_NOT_A_NUMBER");
  EXPECT_TRUE(Ask(View(), {.nprobe = 0, .exact = true}).ok());
}

TEST_F(SearchTest, RefusesQueriesThatHaveNoDistance) {
  Make(10, 10);
  EXPECT_EQ(Ask(View(), {}, kInfinity).reason(), "QUERY_NOT_FINITE");
  EXPECT_EQ(Ask(View(), {}, std::nanf("")).code(), Code::kInvalidArgument);
  Make(10, 10, Metric::kCosine);
  const float zero[2] = {0, 0};
  EXPECT_EQ(Search({View(), zero}, {}, workspace_, answer_).reason(), "QUERY_ZERO");
}

TEST_F(SearchTest, RowsWhoseDistanceOverflowsComeLastButCome) {
  Make(3, 0);
  const float far[2] = {3e38f, -3e38f};
  table_->Add(PointKey::FromNumber(1000), far);
  ASSERT_TRUE(Ask(View(), {.nprobe = 8}).ok());
  EXPECT_THAT(HitRows(), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(hits_[3].rank, kInfinity);
}

}  // namespace
}  // namespace kith::index
