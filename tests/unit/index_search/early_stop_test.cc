// Early termination: which lists are left out, and what is said of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <numeric>
#include <random>
#include <utility>
#include <vector>

#include "index/encoder.h"
#include "index/search.h"
#include "index/train.h"
#include "tests/support/memory_rows.h"

namespace kith::index {
namespace {

using ::kith::testing::MemoryRows;

constexpr uint32_t kClusters = 16;
constexpr uint32_t kEach = 50;

// Sixteen tight clusters on a grid, a list each.
class EarlyStopTest : public ::testing::TestWithParam<Metric> {
 protected:
  EarlyStopTest() : rows_(GetParam(), ElementType::kU8, 2, 10) {
    std::vector<uint8_t> sample;
    std::mt19937 random(6);
    for (uint32_t i = 0; i < kClusters * kEach; ++i) {
      // Twenty a side: nearly all points of a cluster differ.
      const uint8_t vector[2] = {static_cast<uint8_t>(20 + i % 4 * 64 + random() % 20),
                                 static_cast<uint8_t>(20 + i / 4 % 4 * 64 + random() % 20)};
      rows_.Add(PointKey::FromNumber(i), vector);
      sample.insert(sample.end(), vector, vector + 2);
    }
    const IndexParameters parameters{.dimension = 2,
                                     .metric = GetParam(),
                                     .element_type = ElementType::kU8,
                                     .lists = kClusters,
                                     .subspaces = 1,
                                     .plane_b = PlaneB::kRawU8,
                                     .plane_b_bytes = 2};
    version_ = *TrainIndexVersion(
        parameters, {reinterpret_cast<const std::byte*>(sample.data()), kClusters * kEach}, {});
  }

  // The rows in `segments` segments, each with its share of every list.
  void Pack(uint32_t segments) {
    segments_.clear();
    const uint32_t share = kClusters * kEach / segments;
    for (uint32_t i = 0; i < segments; ++i) {
      std::vector<uint32_t> rows(share);
      std::iota(rows.begin(), rows.end(), i * share);
      segments_.push_back(
          ListSegment::FromEncoded(*version_, EncodeRows(*version_, rows_.table(), rows, 1)));
    }
  }

  Status Ask(const SearchOptions& options) {
    const IndexView view{.metric = GetParam(),
                         .element_type = ElementType::kU8,
                         .dimension = 2,
                         .rows = rows_.table(),
                         .version = version_.get(),
                         .segments = segments_,
                         .indexed_end = rows_.row_end()};
    const uint8_t query[2] = {30, 30};
    return Search({view, query}, options, workspace_, answer_);
  }
  // Rows of the `lists` lists nearest to the query.
  uint64_t RowsOfNearest(uint64_t lists) const {
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t list = 0; list < kClusters; ++list) {
      const float* c = version_->Centroid(list);
      order.emplace_back((c[0] - 30) * (c[0] - 30) + (c[1] - 30) * (c[1] - 30), list);
    }
    std::sort(order.begin(), order.end());
    uint64_t rows = 0;
    for (uint64_t i = 0; i < lists; ++i) {
      for (const auto& segment : segments_) rows += segment->list(order[i].second).count;
    }
    return rows;
  }
  // All lists may be probed, few candidates are kept.
  static SearchOptions Stopping(float ratio) {
    return {.nprobe = kClusters, .refine = 10, .stop_ratio = ratio};
  }

  MemoryRows rows_;
  std::shared_ptr<const IndexVersion> version_;
  std::vector<std::shared_ptr<const ListSegment>> segments_;
  SearchWorkspace workspace_;
  SearchAnswer answer_;
};

TEST_P(EarlyStopTest, ListsThatLieFarBehindTheLastCandidateAreLeftOut) {
  for (const uint32_t segments : {1u, 2u, 4u}) {
    SCOPED_TRACE(segments);
    Pack(segments);
    ASSERT_TRUE(Ask(Stopping(std::numeric_limits<float>::infinity())).ok());
    const std::vector<Hit> all = answer_.hits;
    EXPECT_EQ(answer_.work.lists_probed, kClusters);
    EXPECT_EQ(answer_.work.rows_scanned, kClusters * kEach);

    ASSERT_TRUE(Ask(Stopping(1.5f)).ok());
    ASSERT_EQ(answer_.hits.size(), all.size());
    const bool stops = GetParam() != Metric::kInnerProduct;
    if (!stops) {
      EXPECT_EQ(answer_.work.lists_probed, kClusters) << "its lists have no distance";
      continue;
    }
    EXPECT_LT(answer_.work.lists_probed, 9u);
    EXPECT_GE(answer_.work.lists_probed, 1u);
    // What was left out was not planned: the answer is whole.
    EXPECT_EQ(answer_.work.codes_planned, answer_.work.codes_done);
    EXPECT_EQ(answer_.work.rows_scanned, RowsOfNearest(answer_.work.lists_probed));
    for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(answer_.hits[i].row, all[i].row);
  }
}

TEST_P(EarlyStopTest, TimeThatEndsFirstLeavesTheRestPlanned) {
  Pack(2);
  SearchOptions options = Stopping(1000);
  int asked = 0;
  options.expired = [&] { return ++asked > 3; };
  ASSERT_TRUE(Ask(options).ok());
  EXPECT_EQ(answer_.work.codes_planned, kClusters * kEach);
  EXPECT_LT(answer_.work.codes_done, kClusters * kEach / 2);
}

TEST_P(EarlyStopTest, ARatioThatIsNotAboveZeroIsRefused) {
  Pack(1);
  for (const float ratio : {0.0f, -1.0f, std::numeric_limits<float>::quiet_NaN()}) {
    EXPECT_EQ(Ask(Stopping(ratio)).reason(), "STOP_RATIO_NOT_POSITIVE");
  }
}

INSTANTIATE_TEST_SUITE_P(Metrics, EarlyStopTest,
                         ::testing::Values(Metric::kL2, Metric::kInnerProduct),
                         [](const auto& info) {
                           return info.param == Metric::kL2 ? "L2" : "InnerProduct";
                         });

}  // namespace
}  // namespace kith::index
