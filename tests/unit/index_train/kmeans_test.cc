#include "index/kmeans.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <utility>
#include <vector>

#include "index/assign.h"
#include "index/pace.h"
#include "index/parallel.h"
#include "index/random.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

RowSource SourceOf(const Matrix& matrix) {
  return {matrix.count, matrix.dimension,
          [matrix](size_t i, float* out) { std::copy_n(matrix.Row(i), matrix.dimension, out); }};
}

std::vector<uint32_t> NearestByDefinition(const Matrix& points, const Matrix& centroids) {
  std::vector<uint32_t> nearest;
  for (size_t i = 0; i < points.count; ++i) {
    double least = 1e300;
    uint32_t best = 0;
    for (uint32_t c = 0; c < centroids.count; ++c) {
      double distance = 0;
      for (size_t j = 0; j < points.dimension; ++j) {
        const double difference = double{points.Row(i)[j]} - centroids.Row(c)[j];
        distance += difference * difference;
      }
      if (distance < least) best = c;
      least = std::min(least, distance);
    }
    nearest.push_back(best);
  }
  return nearest;
}

Matrix CentroidsOf(const std::vector<float>& centroids, size_t dimension) {
  return {centroids.data(), centroids.size() / dimension, dimension};
}

double Distortion(const Matrix& points, const std::vector<float>& centroids) {
  const Matrix matrix = CentroidsOf(centroids, points.dimension);
  const auto nearest = NearestByDefinition(points, matrix);
  double sum = 0;
  for (size_t i = 0; i < points.count; ++i) {
    for (size_t j = 0; j < points.dimension; ++j) {
      const double difference = points.Row(i)[j] - matrix.Row(nearest[i])[j];
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(points.count);
}

// By bytes, then moved to the means of the floats.
std::vector<float> Cluster(const Matrix& points, const KMeansOptions& options, int threads,
                           std::vector<float> centroids) {
  TrainingControl control;
  control.threads = threads;
  Pace pace(control, 1);
  const ByteRange range = ByteRange::Fit(points);
  CodedPoints coded{range};
  EXPECT_TRUE(EncodePoints(SourceOf(points), pace, coded));
  Clusters clusters{std::move(centroids), {}};
  EXPECT_TRUE(KMeans(coded, options, pace, clusters));
  EXPECT_TRUE(MoveToMeans(SourceOf(points), pace, clusters));
  return std::move(clusters.centroids);
}

std::vector<float> Cluster(const Matrix& points, size_t clusters, int threads) {
  return Cluster(points, {.iterations = 10, .seed = 5}, threads,
                 {points.rows, points.rows + clusters * points.dimension});
}

// Lloyd's iterations in double.
std::vector<float> ClusterByDefinition(const Matrix& points, std::vector<float> centroids,
                                       int iterations) {
  const size_t n = points.dimension;
  for (int i = 0; i < iterations; ++i) {
    const Members members(NearestByDefinition(points, CentroidsOf(centroids, n)),
                          centroids.size() / n);
    for (size_t c = 0; c < members.clusters(); ++c) {
      if (members.Size(c) == 0) continue;
      for (size_t j = 0; j < n; ++j) {
        double sum = 0;
        for (uint32_t k = 0; k < members.Size(c); ++k) sum += points.Row(members.Of(c)[k])[j];
        centroids[c * n + j] = static_cast<float>(sum / members.Size(c));
      }
    }
  }
  return centroids;
}

TEST(KMeansTest, OnBytesIsAsGoodAsOnFloats) {
  const auto points = ClusteredPoints(4000, 24, 3);
  const Matrix matrix = {points.data(), 4000, 24};
  const auto exact = ClusterByDefinition(matrix, {points.begin(), points.begin() + 64 * 24}, 10);
  EXPECT_LT(Distortion(matrix, Cluster(matrix, 64, 1)), 1.01 * Distortion(matrix, exact));
}

TEST(KMeansTest, OneFarPointLeavesTheBytesOfTheOthersFine) {
  auto points = ClusteredPoints(4000, 24, 3);
  const Matrix matrix = {points.data(), 4000, 24};
  const Matrix others = {points.data(), 2000, 24};
  const double clean = Distortion(others, Cluster(matrix, 64, 1));
  for (size_t j = 0; j < 24; ++j) points[2000 * 24 + j] = 300;
  EXPECT_LT(Distortion(others, Cluster(matrix, 64, 1)), 1.03 * clean);
}

TEST(KMeansTest, GetsFarBelowTheDistortionOfRandomCentroids) {
  const auto points = ClusteredPoints(4000, 12, 3);
  const Matrix matrix = {points.data(), 4000, 12};
  const std::vector<float> random(points.begin(), points.begin() + 32 * 12);
  EXPECT_LT(Distortion(matrix, Cluster(matrix, 32, 1)), 0.72 * Distortion(matrix, random));
}

TEST(KMeansTest, SplitsFatClustersAndGivesUpThinOnesForThem) {
  // Nine points in ten lie in one tight heap that a single centroid starts in.
  std::mt19937 bits(8);
  std::vector<float> points;
  for (int i = 0; i < 6000; ++i) {
    for (int j = 0; j < 4; ++j) points.push_back(i % 10 == 0 ? 100 * Draw(bits) : 50 + Draw(bits));
  }
  const Matrix matrix = {points.data(), 6000, 4};
  std::vector<float> first;
  for (size_t i = 0; i < 60; ++i) {
    const float* row = matrix.Row(i == 0 ? 1 : 10 * i);
    first.insert(first.end(), row, row + 4);
  }
  const auto largest = [&](const std::vector<float>& centroids) {
    const Members members(NearestByDefinition(matrix, CentroidsOf(centroids, 4)), 60);
    uint32_t most = 0;
    for (size_t c = 0; c < 60; ++c) most = std::max(most, members.Size(c));
    return most;
  };
  const KMeansOptions plain = {.iterations = 12, .seed = 1};
  EXPECT_GT(largest(Cluster(matrix, plain, 1, first)), 3000u);
  KMeansOptions balanced = plain;
  balanced.largest = 4;
  EXPECT_LE(largest(Cluster(matrix, balanced, 1, first)), 600u) << "the mean has 100";
}

TEST(KMeansTest, FindsSeparatedClusters) {
  // Four tight clusters, found although two of the first centroids lie in one of them.
  std::vector<float> points;
  std::mt19937 bits(4);
  for (int i = 0; i < 400; ++i) {
    const int cluster = i < 4 ? (i == 3 ? 0 : i) : i % 4;
    points.push_back(static_cast<float>(10 * (cluster % 2)) + 0.1f * Draw(bits));
    points.push_back(static_cast<float>(10 * (cluster / 2)) + 0.1f * Draw(bits));
  }
  const Matrix matrix = {points.data(), 400, 2};
  EXPECT_LT(Distortion(matrix, Cluster(matrix, 8, 1)), 0.01);
}

TEST(KMeansTest, IsTheSameForAnyNumberOfThreads) {
  const auto points = ClusteredPoints(5000, 17, 6);
  const Matrix matrix = {points.data(), 5000, 17};
  const auto alone = Cluster(matrix, 100, 1);
  EXPECT_EQ(alone, Cluster(matrix, 100, 2));
  EXPECT_EQ(alone, Cluster(matrix, 100, 3));
}

TEST(KMeansTest, GivesPointsToClustersThatStartEqual) {
  // All centroids start at one point, so all but one begin empty.
  const auto points = ClusteredPoints(2000, 6, 7);
  const Matrix matrix = {points.data(), 2000, 6};
  std::vector<float> centroids;
  for (int i = 0; i < 24; ++i)
    centroids.insert(centroids.end(), points.begin(), points.begin() + 6);
  centroids = Cluster(matrix, {.iterations = 10, .seed = 1}, 1, centroids);
  EXPECT_EQ(DistinctRows(SourceOf({centroids.data(), 24, 6}), 24).size(), 24u);
  const std::vector<float> random(points.begin(), points.begin() + 24 * 6);
  EXPECT_LT(Distortion(matrix, centroids), Distortion(matrix, random));
}

TEST(KMeansTest, KeepsFiniteCentroidsWhereAllPointsAreEqual) {
  const std::vector<float> points(500 * 3, 0.25f);
  const auto centroids = Cluster({points.data(), 500, 3}, 16, 2);
  for (float value : centroids) EXPECT_EQ(value, 0.25f);
}

TEST(DistinctRowsTest, NamesTheFirstOfEachAndStopsWhenItHasEnough) {
  const std::vector<float> rows = {1, 2, 1, 2, 0, 0, -0.0f, 0, 3, 4, 1, 2, 5, 6};
  const Matrix matrix = {rows.data(), 7, 2};
  EXPECT_EQ(DistinctRows(SourceOf(matrix), 100), (std::vector<uint32_t>{0, 2, 4, 6}));
  EXPECT_EQ(DistinctRows(SourceOf(matrix), 3), (std::vector<uint32_t>{0, 2, 4}));
}

TEST(RandomTest, OrderIsAPermutationAndFollowsTheSeed) {
  Random first(1);
  Random again(1);
  Random other(2);
  const auto order = RandomOrder(1000, first);
  EXPECT_EQ(order, RandomOrder(1000, again));
  EXPECT_NE(order, RandomOrder(1000, other));
  EXPECT_EQ(std::set<uint32_t>(order.begin(), order.end()).size(), 1000u);
}

TEST(RandomTest, BelowIsUniform) {
  Random random(3);
  std::vector<int> counts(7);
  for (int i = 0; i < 70'000; ++i) ++counts[random.Below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10'000, 500);
}

TEST(ForEachChunkTest, DoesEveryChunkOnceAndStopsWhenToldTo) {
  std::vector<int> done(1000);
  EXPECT_TRUE(ForEachChunk(
      3, done.size(), [&](size_t i) { ++done[i]; }, [](size_t) { return true; }));
  EXPECT_EQ(done, std::vector<int>(1000, 1));
  int count = 0;
  EXPECT_FALSE(ForEachChunk(
      1, 1000, [&](size_t) { ++count; }, [](size_t finished) { return finished < 10; }));
  EXPECT_EQ(count, 10);
}

TEST(PaceTest, StopsInTheMiddleOfALoopWhenCancelled) {
  int done = 0;
  TrainingControl control;
  control.cancelled = [&] { return done == 10; };
  Pace pace(control, 1000);
  EXPECT_FALSE(pace.Run(1000, 1, [&](size_t) { ++done; }));
  EXPECT_EQ(done, 10);
}

TEST(PaceTest, ProgressIsTheShareOfThePlannedWorkAndNeverFalls) {
  std::vector<double> steps;
  TrainingControl control;
  control.progress = [&](double step) { steps.push_back(step); };
  Pace pace(control, 8);
  EXPECT_TRUE(pace.Run(2, 1, [](size_t) {}));
  EXPECT_TRUE(pace.Run(5, 0, [](size_t) {}));
  EXPECT_TRUE(pace.Run(1, 2, [](size_t) {}));
  EXPECT_TRUE(pace.Run(1, 100, [](size_t) {}));  // more than was planned
  pace.Finish();
  EXPECT_EQ(steps, (std::vector<double>{0.125, 0.25, 0.5, 0.999, 1}));
}

}  // namespace
}  // namespace kith::index
