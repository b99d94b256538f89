// Rows with the same vector have the same codes and so the same ranks. Which of them pass a cut
// must not depend on how they are numbered or spread over segments.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <random>
#include <vector>

#include "index/search.h"
#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kPoints = 1500;
constexpr uint32_t kTwins = 1000;  // of one vector, among the others

class TiesTest : public ::testing::TestWithParam<PlaneB> {
 protected:
  TiesTest() : points_(kPoints) {
    const auto version = NoiseVersion({.dimension = 2,
                                       .metric = Metric::kL2,
                                       .element_type = ElementType::kU8,
                                       .lists = 4,
                                       .subspaces = 2,
                                       .plane_b = GetParam()},
                                      random_);
    for (auto* array : {&version->centroids, &version->codebooks}) {
      std::fill(array->begin(), array->end(), 0.0f);
    }
    DeriveImages(*version);
    version_ = version;
    std::iota(points_.begin(), points_.end(), 0u);
  }

  static std::vector<uint8_t> VectorOf(uint32_t point) {
    if (point % 3 != 0) return {100, 100};
    return {static_cast<uint8_t>(point / 3 % 16 * 3), static_cast<uint8_t>(point / 48 * 3)};
  }

  // Codes of noise, but the same for the same vector.
  EncodedRows Encode(const MemoryRows& rows, uint32_t begin, uint32_t end) const {
    EncodedRows encoded;
    for (uint32_t row = begin; row < end; ++row) {
      const auto* vector = reinterpret_cast<const uint8_t*>(rows.table().Vector(row));
      std::mt19937 noise(vector[0] * 256u + vector[1]);
      const bool is_twin = vector[0] == 100 && vector[1] == 100;
      encoded.rows.push_back(row);
      encoded.lists.push_back(is_twin ? 2 : noise() % 4);
      // With quantizers of zeros the bias alone ranks: a sixth of the others lie before the twins.
      encoded.bias.push_back(is_twin ? 10'000 : static_cast<uint16_t>(noise() % 60'000));
      for (int m = 0; m < 2; ++m) encoded.plane_a.push_back(static_cast<uint8_t>(noise()));
      for (int j = 0; j < 2; ++j) {
        encoded.plane_b.push_back(GetParam() == PlaneB::kRawU8 ? vector[j]
                                                               : static_cast<uint8_t>(noise()));
      }
    }
    return encoded;
  }

  // The keys found where the points are written in this order and split into so many segments.
  std::vector<PointKey> Keys(uint32_t segments, const SearchOptions& options) {
    MemoryRows rows(Metric::kL2, ElementType::kU8, 2);
    for (const uint32_t point : points_) {
      rows.Add(PointKey::FromNumber(7000 - point), VectorOf(point).data());
    }
    std::vector<std::shared_ptr<const ListSegment>> parts;
    for (uint32_t i = 0; i < segments; ++i) {
      const EncodedRows encoded =
          Encode(rows, kPoints * i / segments, kPoints * (i + 1) / segments);
      parts.push_back(ListSegment::FromEncoded(*version_, encoded));
    }
    const IndexView view{.metric = Metric::kL2,
                         .element_type = ElementType::kU8,
                         .dimension = 2,
                         .rows = rows.table(),
                         .version = version_.get(),
                         .segments = parts,
                         .indexed_end = rows.row_end()};
    const uint8_t query[2] = {100, 100};
    SearchWorkspace workspace;
    SearchAnswer answer;
    EXPECT_TRUE(Search({view, query}, options, workspace, answer).ok());
    std::vector<PointKey> keys;
    for (const Hit& hit : answer.hits) keys.push_back(rows.table().Key(hit.row));
    return keys;
  }

  std::mt19937 random_{8};
  std::shared_ptr<const IndexVersion> version_;
  std::vector<uint32_t> points_;
};

TEST_P(TiesTest, AtEveryDepthTheSmallestKeysOfEqualRanksGoOnWhateverTheLayout) {
  for (const auto& [limit, refine, rerank] :
       {std::tuple{10u, 160u, 40u}, {40u, 40u, 40u}, {5u, 700u, 20u}, {30u, 400u, 400u}}) {
    SCOPED_TRACE(refine);
    const SearchOptions options{.limit = limit, .nprobe = 4, .refine = refine, .rerank = rerank};
    std::sort(points_.begin(), points_.end());
    const std::vector<PointKey> keys = Keys(1, options);
    ASSERT_EQ(keys.size(), limit);
    for (const uint32_t segments : {1u, 2u, 5u}) {
      std::shuffle(points_.begin(), points_.end(), random_);
      EXPECT_EQ(Keys(segments, options), keys) << segments << " segments";
    }
  }
}

// Keys fall as points rise, so the twins of the highest numbers have the smallest.
TEST_P(TiesTest, TheTwinsThatReachTheAnswerAreThoseOfTheSmallestKeys) {
  std::vector<PointKey> smallest;
  for (uint32_t point = kPoints; smallest.size() < 10; --point) {
    if ((point - 1) % 3 != 0) smallest.push_back(PointKey::FromNumber(7000 - (point - 1)));
  }
  EXPECT_EQ(Keys(3, {.limit = 10, .nprobe = 4, .refine = kTwins / 3, .rerank = kTwins / 3}),
            smallest);
}

INSTANTIATE_TEST_SUITE_P(Planes, TiesTest, ::testing::Values(PlaneB::kResidual, PlaneB::kRawU8),
                         [](const auto& info) {
                           return info.param == PlaneB::kResidual ? "Residual" : "Raw";
                         });

}  // namespace
}  // namespace kith::index
