#include "index/nearest.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

double SquaredDistance(const float* a, const float* b, size_t n) {
  double sum = 0;
  for (size_t j = 0; j < n; ++j) sum += (double{a[j]} - b[j]) * (double{a[j]} - b[j]);
  return sum;
}

uint32_t NearestByDefinition(const float* point, const Matrix& centroids) {
  uint32_t best = 0;
  for (uint32_t c = 1; c < centroids.count; ++c) {
    if (SquaredDistance(point, centroids.Row(c), centroids.dimension) <
        SquaredDistance(point, centroids.Row(best), centroids.dimension)) {
      best = c;
    }
  }
  return best;
}

std::vector<uint32_t> Find(const Matrix& points, const Matrix& centroids) {
  const CentroidCodes codes(centroids);
  std::vector<uint32_t> nearest(points.count);
  NearestFinder(centroids, {codes}).Find(points, nearest.data());
  return nearest;
}

std::vector<float> Normal(size_t count, float deviation, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    float sum = 0;
    for (int i = 0; i < 12; ++i) sum += Draw(bits);
    value = deviation * (sum - 6);
  }
  return values;
}

TEST(NearestFinderTest, FindsTheNearestAndTheLowerOfEquals) {
  for (const auto& [count, n] : {std::pair<size_t, uint32_t>{1, 5}, {37, 19}, {300, 16}}) {
    auto rows = ClusteredPoints(count, n, 1);
    auto points = ClusteredPoints(200, n, 2);
    if (count > 30) {  // twins nearby and far off
      std::copy_n(&rows[3 * n], n, &rows[20 * n]);
      std::copy_n(&rows[3 * n], n, &rows[(count - 1) * n]);
      std::copy_n(&rows[3 * n], n, points.data());
    }
    const Matrix centroids = {rows.data(), count, n};
    const auto found = Find({points.data(), 200, n}, centroids);
    size_t others = 0;
    for (size_t i = 0; i < 200; ++i) {
      others += found[i] != NearestByDefinition(&points[i * n], centroids);
    }
    EXPECT_LE(others, count > 100 ? 1u : 0u);
    if (count > 30) {
      EXPECT_EQ(found[0], 3u) << "the first of three equal ones";
    }
  }
}

TEST(NearestFinderTest, OfBytesTheAnswerIsExact) {
  std::mt19937 bits(3);
  std::vector<float> rows(500 * 12);
  std::vector<float> points(300 * 12);
  for (float& value : rows) value = static_cast<float>(bits() % 256);
  for (float& value : points) value = static_cast<float>(bits() % 256);
  const Matrix centroids = {rows.data(), 500, 12};
  ASSERT_TRUE(CentroidCodes(centroids).exact());
  const auto found = Find({points.data(), 300, 12}, centroids);
  for (size_t i = 0; i < 300; ++i) {
    const double least = SquaredDistance(
        &points[i * 12], centroids.Row(NearestByDefinition(&points[i * 12], centroids)), 12);
    // Scores are halves, rounded down.
    EXPECT_LE(SquaredDistance(&points[i * 12], centroids.Row(found[i]), 12), least + 1) << i;
  }
}

TEST(NearestFinderTest, AnAnswerDoesNotDependOnThePointsBesideIt) {
  std::mt19937 bits(4);
  std::vector<float> rows(100 * 8);
  for (float& value : rows) value = static_cast<float>(bits() % 256);
  std::vector<float> points(64 * 8);
  for (float& value : points) value = static_cast<float>(bits() % 256);
  const Matrix centroids = {rows.data(), 100, 8};
  const auto alone = Find({points.data(), 63, 8}, centroids);
  points[63 * 8] = 0.5f;  // not a byte
  auto beside = Find({points.data(), 64, 8}, centroids);
  beside.pop_back();
  EXPECT_EQ(beside, alone);
}

TEST(NearestFinderTest, RarelyMissesTheNearestOfManyNormalCentroids) {
  constexpr size_t n = 32;
  const auto rows = Normal(2000 * n, 1, 5);
  const auto points = Normal(1000 * n, 1, 6);
  const Matrix centroids = {rows.data(), 2000, n};
  const auto found = Find({points.data(), 1000, n}, centroids);
  size_t others = 0;
  for (size_t i = 0; i < 1000; ++i) {
    others += found[i] != NearestByDefinition(&points[i * n], centroids);
  }
  EXPECT_LE(others, 5u);
}

TEST(NearestFinderTest, FarCentroidsDoNotBlurTheOthers) {
  constexpr size_t n = 32;
  auto rows = Normal(2000 * n, 1, 5);
  for (size_t j = 0; j < n; ++j) rows[7 * n + j] = rows[9 * n + j] = j % 2 == 0 ? 900 : -900;
  const auto points = Normal(500 * n, 1, 6);
  const Matrix centroids = {rows.data(), 2000, n};
  const auto found = Find({points.data(), 500, n}, centroids);
  size_t others = 0;
  for (size_t i = 0; i < 500; ++i) {
    others += found[i] != NearestByDefinition(&points[i * n], centroids);
  }
  EXPECT_LE(others, 5u);
}

TEST(NearestFinderTest, KeepsItsDigitsFarFromTheOrigin) {
  constexpr size_t n = 16;
  auto rows = Normal(500 * n, 1, 5);
  auto points = Normal(300 * n, 1, 6);
  for (float& value : rows) value += 30'000;
  for (float& value : points) value += 30'000;
  const Matrix centroids = {rows.data(), 500, n};
  const auto found = Find({points.data(), 300, n}, centroids);
  size_t others = 0;
  for (size_t i = 0; i < 300; ++i) {
    others += found[i] != NearestByDefinition(&points[i * n], centroids);
  }
  EXPECT_LE(others, 3u) << "squared norms of 1e10 as floats are 1024 apart";
}

TEST(ByteRangeTest, BytesAreThemselvesAndOthersSpreadOverTheRange) {
  const std::vector<float> bytes = {0, 255, 7, 128};
  const ByteRange exact = ByteRange::Fit({bytes.data(), 2, 2});
  EXPECT_TRUE(exact.is_exact());
  int8_t code[4];
  exact.Encode(bytes.data(), code);
  EXPECT_EQ(code[0], -128);
  EXPECT_EQ(code[1], 127);
  EXPECT_EQ(code[2], 0) << "up to the width";

  const std::vector<float> rows = {0.5f, 10, 1.5f, 30, 1, 20};
  const ByteRange range = ByteRange::Fit({rows.data(), 3, 2});
  EXPECT_FALSE(range.is_exact());
  EXPECT_EQ(range.Byte(0.5f, 0), 0);
  EXPECT_EQ(range.Byte(10, 1), 0);
  EXPECT_EQ(range.Byte(30, 1), 255);
  EXPECT_EQ(range.Byte(1.5f, 0), 13) << "one step for all: 20 / 255";
  EXPECT_EQ(range.Byte(-100, 1), 0);
  EXPECT_EQ(range.Byte(100, 1), 255);
  EXPECT_EQ(range.Byte(std::nanf(""), 1), 0);
  EXPECT_FLOAT_EQ(range.Value(255, 1), 30);
}

TEST(ByteRangeTest, EqualRowsAreTheirOwnValue) {
  const std::vector<float> rows = {0.25f, -3, 0.25f, -3};
  const ByteRange range = ByteRange::Fit({rows.data(), 2, 2});
  EXPECT_EQ(range.Byte(0.25f, 0), 0);
  EXPECT_EQ(range.Value(0, 1), -3);
}

TEST(CentroidCodesTest, PaddingIsNeverTheNearest) {
  // 65 centroids stand in two panels of 64; the point's codes have a large positive sum.
  std::vector<float> rows(65 * 4);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<float>(i % 256);
  const std::vector<float> point(4, 255);
  EXPECT_EQ(Find({point.data(), 1, 4}, {rows.data(), 65, 4})[0], 63u);
}

}  // namespace
}  // namespace kith::index
