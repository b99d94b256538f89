// Pages and ranges: what lies behind a place, and how much lies within a bound.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "index/search.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kDimension = 8;
constexpr uint32_t kPoints = 1500;

struct Kind {
  const char* name;
  Metric metric;
  ElementType type;
  PlaneB plane_b;
  uint32_t plane_b_bytes;
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

// Points with few different coordinates, so that many distances are equal, under codes of noise.
class Pages : public ::testing::TestWithParam<Kind> {
 protected:
  Pages() : table_(GetParam().metric, GetParam().type, kDimension) {
    for (uint32_t i = 0; i < kPoints; ++i) {
      float floats[kDimension];
      uint8_t bytes[kDimension];
      for (uint32_t j = 0; j < kDimension; ++j) {
        floats[j] = bytes[j] = static_cast<uint8_t>(1 + random_() % 4);
      }
      const bool is_u8 = GetParam().type == ElementType::kU8;
      // Keys in another order than rows.
      table_.Add(PointKey::FromNumber(7919 * i % 100'003),
                 is_u8 ? static_cast<const void*>(bytes) : floats);
    }
    version_ = NoiseVersion({.dimension = kDimension,
                             .metric = GetParam().metric,
                             .element_type = GetParam().type,
                             .lists = 8,
                             .subspaces = 2,
                             .plane_b = GetParam().plane_b,
                             .plane_b_bytes = GetParam().plane_b_bytes},
                            random_);
    // In two segments and a tail.
    for (const auto& [begin, end] : {std::pair{0u, 900u}, {900u, 1400u}}) {
      std::vector<uint32_t> rows;
      for (uint32_t row = begin; row < end; ++row) rows.push_back(row);
      segments_.push_back(ListSegment::FromEncoded(
          *version_, NoiseCodes(*version_, table_.table(), rows, random_)));
    }
  }

  IndexView View() const {
    return {.metric = GetParam().metric,
            .element_type = GetParam().type,
            .dimension = kDimension,
            .rows = table_.table(),
            .tombstones = &tombstones_,
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = 1400};
  }
  const SearchAnswer& Ask(const SearchOptions& options) {
    const float floats[kDimension] = {1, 2, 3, 4, 1, 2, 3, 4};
    const uint8_t bytes[kDimension] = {1, 2, 3, 4, 1, 2, 3, 4};
    const bool is_u8 = GetParam().type == ElementType::kU8;
    const Status status = Search({View(), is_u8 ? static_cast<const void*>(bytes) : floats},
                                 options, workspace_, answer_);
    EXPECT_TRUE(status.ok()) << status.message();
    return answer_;
  }
  static std::vector<uint32_t> RowsOf(const SearchAnswer& answer) {
    std::vector<uint32_t> rows;
    for (const Hit& hit : answer.hits) rows.push_back(hit.row);
    return rows;
  }
  // Every page, one after another.
  std::vector<uint32_t> AllPages(SearchOptions options) {
    std::vector<uint32_t> rows;
    for (;;) {
      const SearchAnswer& page = Ask(options);
      for (const uint32_t row : RowsOf(page)) rows.push_back(row);
      if (page.hits.size() < options.limit) return rows;
      const Hit& last = page.hits.back();
      options.after = RankPlace{last.rank, table_.table().Key(last.row)};
    }
  }

  std::mt19937 random_{5};
  MemoryRows table_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  Tombstones tombstones_;
  SearchWorkspace workspace_;
  SearchAnswer answer_;
};

TEST_P(Pages, OfAnExactSearchAreAllPointsInOrderAndEachOnce) {
  const std::vector<uint32_t> all = RowsOf(Ask({.limit = kPoints, .exact = true}));
  ASSERT_EQ(all.size(), kPoints);
  EXPECT_EQ(AllPages({.limit = 37, .exact = true}), all);
}

TEST_P(Pages, OfASearchOfListsAreTheOneAnswerThatALimitOfTheirDepthGives) {
  for (const uint32_t nprobe : {3u, 8u}) {
    // u8 has no third look: the second one is exact, and the pages hold all of that.
    const bool is_raw = GetParam().plane_b == PlaneB::kRawU8;
    const SearchOptions deep = {.limit = kPoints, .nprobe = nprobe, .refine = 400, .rerank = 200};
    SearchOptions paged = deep;
    paged.limit = 11;
    const std::vector<uint32_t> pages = AllPages(paged);
    std::vector<uint32_t> once = pages;
    std::sort(once.begin(), once.end());
    EXPECT_EQ(std::unique(once.begin(), once.end()), once.end()) << "a row came twice";
    paged.limit = is_raw ? 400 : 200;
    const std::vector<uint32_t> whole = RowsOf(Ask(paged));
    ASSERT_GE(pages.size(), whole.size());
    EXPECT_TRUE(std::equal(whole.begin(), whole.end(), pages.begin()));
  }
}

TEST_P(Pages, WithinABoundEndAtTheBorderAndTheBorderBelongsToThem) {
  const std::vector<Hit> all = Ask({.limit = kPoints, .exact = true}).hits;
  const float bound = all[300].rank;
  std::vector<uint32_t> within;
  for (const Hit& hit : all) {
    if (hit.rank <= bound) within.push_back(hit.row);
  }
  ASSERT_LT(within.size(), all.size());
  EXPECT_EQ(AllPages({.limit = 25, .exact = true, .rank_bound = bound}), within);
  EXPECT_EQ(AllPages({.limit = 25,
                      .nprobe = 8,
                      .refine = kUnlimited,
                      .rerank = kUnlimited,
                      .rank_bound = bound}),
            within);
}

TEST_P(Pages, AWorkCountSaysHowManyRowsLieWithinWhateverTheLimitIs) {
  const float bound = Ask({.limit = kPoints, .exact = true}).hits[300].rank;
  const auto within = static_cast<uint64_t>(std::count_if(
      answer_.hits.begin(), answer_.hits.end(), [&](const Hit& hit) { return hit.rank <= bound; }));
  EXPECT_EQ(Ask({.limit = 5, .exact = true, .rank_bound = bound}).work.rows_within, within);
  const SearchOptions all_lists = {
      .limit = 5, .nprobe = 8, .refine = kUnlimited, .rerank = kUnlimited, .rank_bound = bound};
  EXPECT_EQ(Ask(all_lists).work.rows_within, within);
  EXPECT_EQ(answer_.work.crowded, 0u) << "nothing was cut";
}

TEST_P(Pages, AQueryIsCrowdedWhereADepthCutsOffWhatIsWithin) {
  const std::vector<Hit> all = Ask({.limit = kPoints, .exact = true}).hits;
  const SearchOptions cut = {.limit = 5, .nprobe = 8, .refine = 20, .rerank = 10};
  SearchOptions wide = cut;
  wide.rank_bound = all[kPoints - 1].rank;
  EXPECT_EQ(Ask(wide).work.crowded, 1u);
  SearchOptions narrow = cut;
  narrow.rank_bound = all[0].rank - 1;
  EXPECT_EQ(Ask(narrow).work.crowded, 0u) << "what was looked at lies beyond already";
}

INSTANTIATE_TEST_SUITE_P(
    All, Pages,
    ::testing::Values(
        Kind{"l2", Metric::kL2, ElementType::kF32, PlaneB::kResidual, kDimension},
        Kind{"ip", Metric::kInnerProduct, ElementType::kF32, PlaneB::kResidual, kDimension},
        Kind{"cosine", Metric::kCosine, ElementType::kF32, PlaneB::kResidual, kDimension},
        Kind{"packed", Metric::kL2, ElementType::kF32, PlaneB::kPackedResidual, 6},
        Kind{"u8", Metric::kL2, ElementType::kU8, PlaneB::kRawU8, kDimension}),
    [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace kith::index
