// Searches of great depth: what they cost when time runs out, and what they leave behind.
#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <vector>

#include "index/search.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

class DepthTest : public ::testing::TestWithParam<PlaneB> {
 protected:
  static constexpr uint32_t kPoints = 10'000;

  DepthTest()
      : rows_(Metric::kL2, ElementType::kU8, 2, 10),
        version_(NoiseVersion({.dimension = 2,
                               .metric = Metric::kL2,
                               .element_type = ElementType::kU8,
                               .lists = 8,
                               .subspaces = 2,
                               .plane_b = GetParam()},
                              random_)) {
    std::vector<uint32_t> indexed;
    for (uint32_t i = 0; i < kPoints; ++i) {
      const uint8_t vector[2] = {static_cast<uint8_t>(i), static_cast<uint8_t>(i >> 8)};
      rows_.Add(PointKey::FromNumber(i), vector);
      indexed.push_back(i);
    }
    segments_ = {ListSegment::FromEncoded(*version_,
                                          NoiseCodes(*version_, rows_.table(), indexed, random_))};
  }

  // One list of `entries` codes, which name the rows over and over.
  void MakeLong(uint32_t entries) {
    std::vector<uint32_t> counts(8);
    counts[5] = entries;
    const auto next = [&](uint32_t list) {
      ListSegment::CanonicalList canonical;
      for (uint32_t i = 0; i < counts[list]; ++i) canonical.rows.push_back(i % kPoints);
      canonical.bias.resize(counts[list]);
      canonical.plane_a.resize(size_t{counts[list]} * 2);
      canonical.plane_b.resize(size_t{counts[list]} * 2);
      return canonical;
    };
    segments_ = {ListSegment::FromCanonical(*version_, counts, next, {})};
  }

  void Ask(const SearchOptions& options) {
    const IndexView view{.metric = Metric::kL2,
                         .element_type = ElementType::kU8,
                         .dimension = 2,
                         .rows = rows_.table(),
                         .version = version_.get(),
                         .segments = segments_,
                         .indexed_end = rows_.row_end()};
    const uint8_t query[2] = {7, 7};
    ASSERT_TRUE(Search({view, query}, options, workspace_, answer_).ok());
  }

  std::mt19937 random_{3};
  MemoryRows rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  SearchWorkspace workspace_;
  SearchAnswer answer_;
  const std::vector<Hit>& hits_ = answer_.hits;
  const SearchWork& work_ = answer_.work;
};

TEST_P(DepthTest, TimeThatEndsInTheMiddleOfRefiningLeavesWhatWasRefined) {
  const uint64_t listed = kPoints - segments_[0]->side_rows().size();
  ASSERT_GT(listed, 9000u);
  int asked = 0;
  // Asked before each of 8 lists, and then before the second run of candidates.
  Ask({.nprobe = 8, .refine = kUnlimited, .rerank = 50, .expired = [&] { return ++asked > 8; }});
  EXPECT_EQ(asked, 9);
  EXPECT_EQ(work_.rows_scanned, listed);
  EXPECT_EQ(work_.rows_refined, 4096u);
  EXPECT_EQ(work_.codes_done, 4096u);
  EXPECT_EQ(work_.codes_planned, kPoints);
  EXPECT_EQ(work_.rows_exact, 0u);
  EXPECT_EQ(work_.rows_reranked, GetParam() == PlaneB::kRawU8 ? 0u : 50u);
  EXPECT_EQ(hits_.size(), 10u);

  asked = 0;
  Ask({.nprobe = 8, .refine = kUnlimited, .rerank = 50, .expired = [&] { return ++asked > 9; }});
  EXPECT_EQ(work_.rows_refined, 8192u);
  EXPECT_EQ(work_.codes_done, 8192u);
}

TEST_P(DepthTest, ScratchOfADeepSearchIsGivenBackAndThatOfAnOrdinaryOneIsKept) {
  constexpr uint64_t kKept = uint64_t{40} << 20;
  MakeLong(1'200'000);
  Ask({.nprobe = 8});
  EXPECT_EQ(hits_.size(), 10u);
  const uint64_t ordinary = workspace_.scratch_bytes();
  EXPECT_GT(ordinary, 100u * 16) << "a buffer that each search made anew would cost it time";
  Ask({.limit = kUnlimited, .nprobe = 8, .refine = kUnlimited, .rerank = kUnlimited});
  EXPECT_EQ(hits_.size(), 1'200'000u);
  EXPECT_LT(workspace_.scratch_bytes(), kKept);
  Ask({.nprobe = 8});
  EXPECT_EQ(hits_.size(), 10u);
}

INSTANTIATE_TEST_SUITE_P(Planes, DepthTest, ::testing::Values(PlaneB::kResidual, PlaneB::kRawU8),
                         [](const auto& info) {
                           return info.param == PlaneB::kResidual ? "Residual" : "Raw";
                         });

}  // namespace
}  // namespace kith::index
