#include "index/allowed_lists.h"

#include <gtest/gtest.h>

#include <random>
#include <thread>
#include <vector>

#include "index/search.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kRows = 3000;
constexpr uint32_t kLists = 600;  // more than are picked at first

// Two segments of noise over rows whose one element is their number.
class AllowedListsTest : public ::testing::Test {
 protected:
  AllowedListsTest() : rows_(Metric::kL2, ElementType::kF32, 1) {
    for (uint32_t row = 0; row < kRows; ++row) {
      const auto value = static_cast<float>(row);
      rows_.Add(PointKey::FromNumber(row), reinterpret_cast<const std::byte*>(&value));
    }
    IndexParameters parameters{.dimension = 1, .metric = Metric::kL2};
    parameters.lists = kLists;
    parameters.subspaces = 1;
    version_ = NoiseVersion(parameters, random_);
    for (uint32_t begin = 0; begin < kRows; begin += kRows / 2) {
      std::vector<uint32_t> numbers;
      for (uint32_t row = begin; row < begin + kRows / 2; ++row) numbers.push_back(row);
      segments_.push_back(ListSegment::FromEncoded(
          *version_, NoiseCodes(*version_, rows_.table(), numbers, random_)));
    }
    allowed_.resize((kRows + 63) / 64);
  }

  IndexView ViewOf(const AllowedLists& lists) const {
    return {.metric = Metric::kL2,
            .element_type = ElementType::kF32,
            .dimension = 1,
            .rows = rows_.table(),
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = kRows,
            .allowed = allowed_,
            .allowed_lists = &lists};
  }
  void Allow(uint32_t row) { allowed_[row / 64] |= uint64_t{1} << (row % 64); }
  bool IsAllowed(uint32_t row) const { return (allowed_[row / 64] >> (row % 64) & 1) != 0; }

  std::mt19937 random_{5};
  MemoryRows rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  std::vector<uint64_t> allowed_;
};

TEST_F(AllowedListsTest, AListsWordsAreTheRowsBitsInItsOrder) {
  for (uint32_t row = 0; row < kRows; ++row) {
    if (random_() % 3 == 0) Allow(row);
  }
  const AllowedLists lists(allowed_, segments_, kLists);
  const auto look = [&] {
    for (size_t segment = 0; segment < segments_.size(); ++segment) {
      for (uint32_t number = 0; number < kLists; ++number) {
        const ListSegment::List list = segments_[segment]->list(number);
        const AllowedLists::List allowed = lists.Of(segment, number);
        uint32_t passing = 0;
        for (uint32_t i = 0; i < list.count; ++i) {
          const bool passes = (allowed.words[i / 64] >> (i % 64) & 1) != 0;
          ASSERT_EQ(passes, IsAllowed(list.rows[i]));
          passing += passes ? 1 : 0;
        }
        ASSERT_EQ(allowed.passing, passing);
      }
    }
  };
  std::thread other(look);
  look();
  other.join();
}

// What a search answers, and of how many lists.
std::vector<uint32_t> Answer(const IndexView& view, float at, const SearchOptions& options) {
  SearchWorkspace workspace;
  SearchAnswer answer;
  EXPECT_TRUE(Search({view, &at}, options, workspace, answer).ok());
  std::vector<uint32_t> found;
  for (const Hit& hit : answer.hits) found.push_back(hit.row);
  found.push_back(static_cast<uint32_t>(answer.work.lists_probed));
  return found;
}

TEST_F(AllowedListsTest, EmptyListsAreRememberedAndChangeNoAnswer) {
  for (uint32_t row = 0; row < kRows; row += 12) Allow(row);
  const AllowedLists lists(allowed_, segments_, kLists);
  EXPECT_EQ(lists.known_empty(), 0u);
  const IndexView view = ViewOf(lists);
  // The depth follows the share that passes in the first lists, more of which pass than are looked
  // at.
  const SearchOptions options = {.limit = 7,
                                 .nprobe = 50,
                                 .passing_rows = 150,
                                 .passing_share = 0.25,
                                 .refine = 60,
                                 .rerank = 7};
  std::vector<std::vector<uint32_t>> fresh;
  for (int i = 0; i < 50; ++i) {
    const AllowedLists unknown(allowed_, segments_, kLists);
    fresh.push_back(Answer(ViewOf(unknown), static_cast<float>(i * 3 - 75), options));
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Answer(view, static_cast<float>(i * 3 - 75), options), fresh[i]) << i;
  }
  EXPECT_GT(lists.known_empty(), kLists / 2) << "from here on all lists but these are picked";
  for (int i = 0; i < 50; ++i) {
    EXPECT_EQ(Answer(view, static_cast<float>(i * 3 - 75), options), fresh[i]) << i;
  }
  for (uint32_t list = 0; list < kLists; ++list) {
    if (!lists.IsKnownEmpty(list)) continue;
    EXPECT_EQ(lists.Of(0, list).passing + lists.Of(1, list).passing, 0u);
  }
}

TEST_F(AllowedListsTest, ASampleOfTheListsTellsARegionFromWhatIsSpread) {
  for (uint32_t row = 0; row < kRows; ++row) Allow(row);
  EXPECT_EQ(AllowedLists(allowed_, segments_, kLists).empty_share(), 0);
  std::fill(allowed_.begin(), allowed_.end(), 0);
  EXPECT_EQ(AllowedLists(allowed_, segments_, kLists).empty_share(), 1);
  // Every row of every second list.
  for (uint32_t list = 0; list < kLists; list += 2) {
    for (const auto& segment : segments_) {
      const ListSegment::List rows = segment->list(list);
      for (uint32_t i = 0; i < rows.count; ++i) Allow(rows.rows[i]);
    }
  }
  const double share = AllowedLists(allowed_, segments_, kLists).empty_share();
  EXPECT_GT(share, 0.2);
  EXPECT_LT(share, 0.8);
}

TEST_F(AllowedListsTest, TheyAreThoseOfTheirSegmentsOnly) {
  const AllowedLists lists(allowed_, segments_, kLists);
  EXPECT_TRUE(lists.IsOf(segments_));
  EXPECT_FALSE(lists.IsOf(std::span(segments_).first(1)));
  const std::vector<std::shared_ptr<const ListSegment>> turned = {segments_[1], segments_[0]};
  EXPECT_FALSE(lists.IsOf(turned));
}

// The rows of one list pass: it is found with nprobe 1, however many lists lie nearer.
TEST_F(AllowedListsTest, ListsOfWhichNothingPassesAreNotCounted) {
  for (uint32_t number = 0; number < kLists; ++number) {
    std::fill(allowed_.begin(), allowed_.end(), 0);
    uint32_t passing = 0;
    for (const auto& segment : segments_) {
      const ListSegment::List list = segment->list(number);
      for (uint32_t i = 0; i < list.count; ++i) Allow(list.rows[i]);
      passing += list.count;
    }
    if (passing == 0) continue;
    const AllowedLists lists(allowed_, segments_, kLists);
    const IndexView view = ViewOf(lists);
    const SearchOptions options{
        .limit = 5, .nprobe = 1, .refine = kUnlimited, .rerank = kUnlimited};
    const float query = 7;
    SearchWorkspace workspace;
    SearchAnswer answer;
    ASSERT_TRUE(Search({view, &query}, options, workspace, answer).ok());
    EXPECT_EQ(answer.work.lists_probed, 1u);
    EXPECT_EQ(answer.hits.size(), std::min(passing, 5u));
    for (const Hit& hit : answer.hits) EXPECT_TRUE(IsAllowed(hit.row));
  }
}

}  // namespace
}  // namespace kith::index
