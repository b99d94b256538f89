// A few points that have nothing to do with the others must cost the others nothing.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "index/code_ranges.h"
#include "index/encoder.h"
#include "index/list_segment.h"
#include "index/plan.h"
#include "index/sample_ranges.h"
#include "index/search.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr uint32_t kDimension = 20;
constexpr size_t kPoints = 4000;

IndexParameters Parameters(ElementType type = ElementType::kF32) {
  return {.dimension = kDimension,
          .metric = Metric::kL2,
          .element_type = type,
          .lists = 32,
          .subspaces = 10,
          .plane_b = AutoPlaneB(type, Metric::kL2),
          .plane_b_bytes = kDimension,
          .seed = 4};
}

// Five of the points, 0.125 %, multiplied.
const std::vector<uint32_t> kStrays = {0, 800, 1600, 2400, 3999};

std::vector<float> PointsWithStrays(float factor) {
  std::vector<float> points = ClusteredPoints(kPoints, kDimension, 31);
  for (const uint32_t stray : kStrays) {
    for (uint32_t j = 0; j < kDimension; ++j) points[stray * kDimension + j] *= factor;
  }
  return points;
}

struct Built {
  Built(const std::vector<float>& points, const IndexParameters& parameters)
      : stored(Stored(points, parameters.element_type)),
        rows(stored, parameters.element_type, kDimension) {
    const auto trained = Train(parameters, stored, 2);
    EXPECT_TRUE(trained.ok()) << trained.status().message();
    if (!trained.ok()) return;
    version = *trained;
    codes = EncodeRows(*version, rows.table(), rows.All(), 2);
  }

  // Of the ten nearest of points between the points, the share found at small depth.
  double Recall() const {
    const std::vector segments = {ListSegment::FromEncoded(*version, codes)};
    const IndexView view{.metric = Metric::kL2,
                         .element_type = ElementType::kF32,
                         .dimension = kDimension,
                         .rows = rows.table(),
                         .version = version.get(),
                         .segments = segments,
                         .indexed_end = kPoints};
    const std::vector<float> queries = ClusteredPoints(200, kDimension, 31);
    SearchWorkspace workspace;
    size_t found = 0;
    for (size_t i = 0; i < 200; ++i) {
      SearchAnswer truth;
      SearchAnswer answer;
      const Query query{view, &queries[i * kDimension]};
      EXPECT_TRUE(Search(query, {.exact = true}, workspace, truth).ok());
      const SearchOptions options{.nprobe = 8, .refine = 60, .rerank = 10};
      EXPECT_TRUE(Search(query, options, workspace, answer).ok());
      for (const Hit& hit : answer.hits) {
        found += std::any_of(truth.hits.begin(), truth.hits.end(),
                             [&](const Hit& other) { return other.row == hit.row; });
      }
    }
    return static_cast<double>(found) / 2000;
  }

  std::vector<std::byte> stored;
  Rows rows;
  std::shared_ptr<const IndexVersion> version;
  EncodedRows codes;
};

double Sum(const std::vector<float>& values) {
  double sum = 0;
  for (const float value : values) sum += value;
  return sum;
}

TEST(StraysTest, PointsAHundredTimesTooLongGoToTheSideListAndLeaveTheCodesOfOthersFine) {
  const Built clean(PointsWithStrays(1), Parameters());
  ASSERT_THAT(clean.codes.side_rows, IsEmpty());
  const double recall = clean.Recall();
  EXPECT_GT(recall, 0.9);
  for (const float factor : {100.0f, 1e10f, 1e20f, 3e38f}) {
    SCOPED_TRACE(factor);
    const Built strayed(PointsWithStrays(factor), Parameters());
    ASSERT_NE(strayed.version, nullptr);
    EXPECT_EQ(strayed.codes.side_rows, kStrays);
    EXPECT_LT(strayed.version->bias_scale, 1.2f * clean.version->bias_scale);
    EXPECT_LT(Sum(strayed.version->refine_scale), 1.2 * Sum(clean.version->refine_scale));
    EXPECT_GT(strayed.Recall(), recall - 0.01);
  }
}

TEST(StraysTest, APointFarOutInADimensionOfSmallValuesIsOneToo) {
  std::vector<float> points = ClusteredPoints(kPoints, kDimension, 31);
  for (size_t i = 0; i < kPoints; ++i) points[i * kDimension + 7] *= 0.01f;
  const Built clean(points, Parameters());
  for (const uint32_t stray : kStrays) points[stray * kDimension + 7] = 0.7f;
  const Built strayed(points, Parameters());
  EXPECT_EQ(strayed.codes.side_rows, kStrays);
  EXPECT_LT(strayed.version->refine_scale[7], 1.5f * clean.version->refine_scale[7]);
}

TEST(StraysTest, ManyFarPointsBelongAndAreCoded) {
  std::vector<float> points = ClusteredPoints(kPoints, kDimension, 31);
  for (size_t i = 0; i < kPoints; ++i) points[i * kDimension + 7] *= 0.01f;
  // 0.45 %: more than strays may be, fewer than the middle leaves out on a side.
  for (size_t i = 0; i < 18; ++i) points[i * 200 * kDimension + 7] = 0.7f;
  EXPECT_THAT(Built(points, Parameters()).codes.side_rows, IsEmpty());
}

TEST(StraysTest, BytesThatAreTheVectorItselfGoToTheSideListByTheirBias) {
  std::vector<float> points = ClusteredPoints(kPoints, kDimension, 31);
  for (float& value : points) value *= 0.1f;
  for (const uint32_t stray : {77u, 2222u}) {
    // In two dimensions of ten: no codeword reaches there, so what is coded looks like the others.
    points[stray * kDimension + 3] = points[stray * kDimension + 12] = 1;  // 255
  }
  const Built built(points, Parameters(ElementType::kU8));
  ASSERT_EQ(built.version->parameters.plane_b, PlaneB::kRawU8);
  EXPECT_THAT(built.codes.side_rows, ElementsAre(77, 2222));
}

TEST(StraysTest, PointsOfNoFloatDistanceAreLeftOutAndTooFewOthersRefused) {
  std::vector<float> points = PointsWithStrays(1);
  points[5 * kDimension] = std::numeric_limits<float>::quiet_NaN();
  points[6 * kDimension] = std::numeric_limits<float>::infinity();
  EXPECT_THAT(Built(points, Parameters()).codes.side_rows, ElementsAre(5, 6));

  for (size_t i = 255; i < kPoints; ++i) points[i * kDimension] = 1e19f;
  const auto trained = Train(Parameters(), Stored(points, ElementType::kF32), 2);
  ASSERT_FALSE(trained.ok());
  EXPECT_EQ(trained.status().code(), Code::kFailedPrecondition);
  EXPECT_EQ(trained.status().reason(), "TOO_FEW_POINTS");
  EXPECT_THAT(trained.status().message(),
              ::testing::HasSubstr("needs 256 points, there are 253 that are finite"));
}

TEST(StraysTest, NoPointIsSparedWhereTrainingNeedsThemAll) {
  std::vector<float> points = ClusteredPoints(400, kDimension, 31);
  for (uint32_t j = 0; j < kDimension; ++j) points[9 * kDimension + j] *= 100;
  IndexParameters parameters = Parameters();
  parameters.lists = 400;
  EXPECT_TRUE(Train(parameters, Stored(points, ElementType::kF32), 2).ok());
}

TEST(StraysTest, FreshPointsStayInsideTheRangesOfASmallSample) {
  // Normal values, so that the sample reaches nowhere near as far as many others will.
  std::mt19937 bits(5);
  const auto normal = [&bits] {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += Draw(bits);
    return sum - 6;
  };
  std::vector<float> points(20'600 * size_t{kDimension});
  for (float& value : points) value = normal();
  const auto sample = points.begin() + 600 * kDimension;
  const auto version = *Train(Parameters(), Stored({points.begin(), sample}, ElementType::kF32), 2);
  const Rows rows(Stored({sample, points.end()}, ElementType::kF32), ElementType::kF32, kDimension);
  EXPECT_LE(EncodeRows(*version, rows.table(), rows.All(), 2).side_rows.size(), 5u);
}

TEST(MiddleTest, LeavesOutHalfAPercentOnEitherSide) {
  std::vector<float> values;
  for (int i = 0; i < 1000; ++i) values.push_back(static_cast<float>((i * 389) % 1000));
  const Middle middle = MiddleOf(values);
  EXPECT_EQ(middle.least, 5);
  EXPECT_EQ(middle.most, 994);
  EXPECT_EQ(middle.Excess(5, 0), 0);
  EXPECT_FLOAT_EQ(middle.Excess(994 + 2 * 989, 0), 2);
  EXPECT_FLOAT_EQ(middle.Excess(5 - 989, 1978), 0.5f);
  std::vector<float> one = {3};
  EXPECT_EQ(MiddleOf(one).span(), 0);
  EXPECT_EQ(MiddleOf(one).Excess(3, 0), 0);
  EXPECT_EQ(MiddleOf(one).Excess(4, 0), std::numeric_limits<float>::infinity());
}

}  // namespace
}  // namespace kith::index
