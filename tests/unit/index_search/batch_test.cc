// Many queries in one call: answered as one by one, in whatever order they are worked on.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <vector>

#include "index/encoder.h"
#include "index/query_order.h"
#include "index/search.h"
#include "index/train.h"
#include "tests/support/memory_rows.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kDimension = 6;
constexpr uint32_t kPoints = 4000;
constexpr uint32_t kLists = 64;

class SearchBatchTest : public ::testing::TestWithParam<Metric> {
 protected:
  SearchBatchTest() : rows_(GetParam(), ElementType::kF32, kDimension, 10) {
    const std::vector<float> points = Draw(kPoints);
    std::vector<uint32_t> all(kPoints);
    std::iota(all.begin(), all.end(), 0u);
    for (const uint32_t i : all) rows_.Add(PointKey::FromNumber(i), &points[i * kDimension]);
    const IndexParameters parameters{.dimension = kDimension,
                                     .metric = GetParam(),
                                     .element_type = ElementType::kF32,
                                     .lists = kLists,
                                     .subspaces = 3,
                                     .plane_b_bytes = kDimension};
    version_ = *TrainIndexVersion(parameters,
                                  {reinterpret_cast<const std::byte*>(points.data()), kPoints}, {});
    segments_ = {ListSegment::FromEncoded(*version_, EncodeRows(*version_, rows_.table(), all, 1))};
  }

  std::vector<float> Draw(size_t count) {
    std::normal_distribution<float> normal;
    std::vector<float> vectors(count * kDimension);
    for (float& value : vectors) value = normal(random_);
    return vectors;
  }

  IndexView View() const {
    return {.metric = GetParam(),
            .element_type = ElementType::kF32,
            .dimension = kDimension,
            .rows = rows_.table(),
            .version = version_.get(),
            .segments = segments_,
            .indexed_end = rows_.row_end()};
  }

  Status AskTogether(const std::vector<float>& queries, std::vector<SearchAnswer>& answers) {
    answers.resize(queries.size() / kDimension);
    return SearchBatch({View(), queries.data(), kDimension * sizeof(float)}, options_, workspace_,
                       answers);
  }

  void ExpectAnswersOfEach(const std::vector<float>& queries) {
    std::vector<SearchAnswer> together;
    ASSERT_TRUE(AskTogether(queries, together).ok());
    SearchAnswer alone;
    for (size_t i = 0; i < together.size(); ++i) {
      ASSERT_TRUE(Search({View(), &queries[i * kDimension]}, options_, workspace_, alone).ok());
      ASSERT_EQ(together[i].hits.size(), alone.hits.size()) << i;
      for (size_t j = 0; j < alone.hits.size(); ++j) {
        EXPECT_EQ(together[i].hits[j].row, alone.hits[j].row) << i;
        EXPECT_EQ(together[i].hits[j].rank, alone.hits[j].rank) << i;
      }
      EXPECT_EQ(together[i].work.rows_scanned, alone.work.rows_scanned) << i;
      EXPECT_EQ(together[i].work.lists_probed, alone.work.lists_probed) << i;
    }
  }

  std::mt19937 random_{3};
  MemoryRows rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  SearchWorkspace workspace_;
  SearchOptions options_{.nprobe = 12, .refine = 40, .rerank = 20};
};

TEST_P(SearchBatchTest, AFewQueriesAreAnsweredAsEachAlone) { ExpectAnswersOfEach(Draw(13)); }

TEST_P(SearchBatchTest, ManyQueriesAreAnsweredAsEachAlone) {
  ASSERT_GT(version_->landmarks.count(), 1u);
  ExpectAnswersOfEach(Draw(1500));
}

TEST_P(SearchBatchTest, QueriesThatStopEarlyAreAnsweredAsEachAlone) {
  options_.stop_ratio = 1.25f;
  ExpectAnswersOfEach(Draw(300));
}

TEST_P(SearchBatchTest, AQueryAmongManyThatIsNoVectorIsRefused) {
  std::vector<float> queries = Draw(200);
  queries[150 * kDimension] = std::numeric_limits<float>::infinity();
  std::vector<SearchAnswer> answers;
  EXPECT_EQ(AskTogether(queries, answers).reason(), "QUERY_NOT_FINITE");
}

INSTANTIATE_TEST_SUITE_P(Metrics, SearchBatchTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct, Metric::kCosine),
                         [](const auto& info) {
                           return info.param == Metric::kL2             ? "L2"
                                  : info.param == Metric::kInnerProduct ? "InnerProduct"
                                                                        : "Cosine";
                         });

float LengthOfWay(const std::vector<float>& points, const QueryOrder& order, size_t count) {
  float length = 0;
  for (size_t i = 1; i < count; ++i) {
    float squared = 0;
    for (uint32_t j = 0; j < kDimension; ++j) {
      const float step = points[order[i] * kDimension + j] - points[order[i - 1] * kDimension + j];
      squared += step * step;
    }
    length += std::sqrt(squared);
  }
  return length;
}

TEST(QueryOrderTest, QueriesNearOneAnotherFollowOneAnother) {
  std::mt19937 random(4);
  std::normal_distribution<float> normal;
  std::vector<float> points(1024 * kDimension);
  for (float& value : points) value = normal(random);
  const Landmarks landmarks({points.data(), 1024, kDimension});
  QueryOrder plain;
  plain.Plain(1024);
  QueryOrder order;
  order.Begin(landmarks);
  for (size_t i = 0; i < 1024; ++i) order.Add(&points[i * kDimension]);
  order.End();
  std::vector<uint32_t> seen(1024);
  for (size_t i = 0; i < 1024; ++i) ++seen[order[i]];
  EXPECT_EQ(seen, std::vector<uint32_t>(1024, 1));
  EXPECT_LT(LengthOfWay(points, order, 1024), 0.7f * LengthOfWay(points, plain, 1024));
}

TEST(QueryOrderTest, AFewCentroidsHaveNoLandmarks) {
  const std::vector<float> points(16 * kDimension);
  EXPECT_EQ(Landmarks({points.data(), 16, kDimension}).count(), 0u);
}

TEST(QueryOrderTest, CentroidsTooFarForDistancesGiveSomeOrder) {
  std::mt19937 random(5);
  std::vector<float> points(4096 * kDimension);
  for (float& value : points) value = random() % 2 == 0 ? 3e38f : -3e38f;
  const Landmarks landmarks({points.data(), 4096, kDimension});
  QueryOrder order;
  order.Begin(landmarks);
  for (size_t i = 0; i < 100; ++i) order.Add(&points[i * kDimension]);
  order.End();
  std::vector<uint32_t> seen(100);
  for (size_t i = 0; i < 100; ++i) ++seen[order[i]];
  EXPECT_EQ(seen, std::vector<uint32_t>(100, 1));
}

TEST(QueryOrderTest, CentroidsThatAreAllAlikeGiveSomeOrder) {
  const std::vector<float> points(256 * kDimension, 3);
  const Landmarks landmarks({points.data(), 256, kDimension});
  QueryOrder order;
  order.Begin(landmarks);
  for (size_t i = 0; i < 40; ++i) order.Add(&points[i * kDimension]);
  order.End();
  for (uint32_t i = 0; i < 40; ++i) EXPECT_EQ(order[i], i);
}

}  // namespace
}  // namespace kith::index
