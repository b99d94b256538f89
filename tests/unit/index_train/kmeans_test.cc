#include "index/kmeans.h"

#include <gtest/gtest.h>

#include <random>
#include <set>
#include <vector>

#include "index/assign.h"
#include "index/kernels/kernel_table.h"
#include "index/nearest.h"
#include "index/pace.h"
#include "index/parallel.h"
#include "index/random.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

double Distortion(const Matrix& points, const std::vector<float>& centroids) {
  const Matrix matrix = {centroids.data(), centroids.size() / points.dimension, points.dimension};
  const auto norms = SquaredNorms(matrix);
  std::vector<uint32_t> nearest(points.count);
  NearestFinder(matrix, norms).Find(points, nearest.data());
  double sum = 0;
  for (size_t i = 0; i < points.count; ++i) {
    for (size_t j = 0; j < points.dimension; ++j) {
      const double difference = points.Row(i)[j] - matrix.Row(nearest[i])[j];
      sum += difference * difference;
    }
  }
  return sum / static_cast<double>(points.count);
}

std::vector<float> Cluster(const Matrix& points, size_t clusters, int threads) {
  TrainingControl control;
  control.threads = threads;
  Pace pace(control, 1);
  std::vector<float> centroids(points.rows, points.rows + clusters * points.dimension);
  EXPECT_TRUE(KMeans(points, {.iterations = 10, .seed = 5}, pace, centroids));
  return centroids;
}

TEST(NearestFinderTest, FindsTheNearestByDefinitionAndTheLowerOfEquals) {
  for (const auto& [centroid_count, n] :
       {std::pair<size_t, uint32_t>{1, 5}, {37, 19}, {256, 8}, {256, 70}, {1300, 16}}) {
    auto rows = ClusteredPoints(centroid_count, n, 1);
    const size_t last = centroid_count - 1;
    if (centroid_count > 30) {  // twins nearby and far off
      std::copy_n(&rows[3 * n], n, &rows[20 * n]);
      std::copy_n(&rows[3 * n], n, &rows[last * n]);
    }
    auto points = ClusteredPoints(203, n, 2);
    if (centroid_count > 30) std::copy_n(&rows[3 * n], n, points.data());
    const Matrix centroids = {rows.data(), centroid_count, n};
    const auto norms = SquaredNorms(centroids);
    std::vector<uint32_t> nearest(203);
    NearestFinder(centroids, norms).Find({points.data(), 203, n}, nearest.data());
    for (size_t i = 0; i < 203; ++i) {
      double least = 1e30;
      double found = 0;
      for (size_t c = 0; c < centroid_count; ++c) {
        double distance = 0;
        for (size_t j = 0; j < n; ++j) {
          const double difference = points[i * n + j] - rows[c * n + j];
          distance += difference * difference;
        }
        least = std::min(least, distance);
        if (c == nearest[i]) found = distance;
      }
      EXPECT_LE(found, least + 1e-5) << i;
    }
    if (centroid_count > 30) {
      EXPECT_EQ(nearest[0], 3u) << "the first of three equal ones";
    }
  }
}

TEST(KMeansTest, GetsFarBelowTheDistortionOfRandomCentroids) {
  const auto points = ClusteredPoints(4000, 12, 3);
  const Matrix matrix = {points.data(), 4000, 12};
  const std::vector<float> random(points.begin(), points.begin() + 32 * 12);
  EXPECT_LT(Distortion(matrix, Cluster(matrix, 32, 1)), 0.72 * Distortion(matrix, random));
}

TEST(KMeansTest, ComparingWithNeighboursOnlyLosesNothingThatMatters) {
  // Evenly spread, so that every cluster has many others around it.
  std::mt19937 bits(9);
  std::vector<float> points(12'000 * 16);
  for (float& value : points) value = Draw(bits);
  const Matrix matrix = {points.data(), 12'000, 16};
  const auto quick = Cluster(matrix, 600, 2);  // above the number from which it does
  TrainingControl control;
  Pace pace(control, 1);
  std::vector<float> full(points.begin(), points.begin() + 600 * 16);
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(KMeans(matrix, {.iterations = 1, .seed = 5}, pace, full));
  }
  EXPECT_NE(quick, full);
  EXPECT_LT(Distortion(matrix, quick), 1.005 * Distortion(matrix, full));
  EXPECT_EQ(quick, Cluster(matrix, 600, 3));
}

TEST(KMeansTest, AFatClusterIsMovedInPiecesThatCanBeStoppedBetween) {
  // All points in one of many clusters, the others far away but for a few.
  constexpr uint32_t n = 256;
  const auto points = ClusteredPoints(20'000, n, 3);
  const Matrix matrix = {points.data(), 20'000, n};
  std::vector<float> centroids(600 * n, 50.0f);
  for (size_t c = 0; c < 600; ++c) centroids[c * n] += static_cast<float>(c);
  std::copy_n(points.begin(), 40 * n, centroids.begin());
  const Matrix clusters = {centroids.data(), 600, n};
  std::vector<uint32_t> nearest(20'000, 17);
  int asked = 0;
  TrainingControl control;
  control.cancelled = [&] { return ++asked < 0; };
  Pace pace(control, 1);
  ASSERT_TRUE(AssignNear(matrix, clusters, pace, nearest));
  EXPECT_GE(asked, 5) << "at the start, after each of several pieces and at the end";
  std::vector<uint32_t> all(20'000);
  NearestFinder(clusters, SquaredNorms(clusters)).Find(matrix, all.data());
  EXPECT_EQ(nearest, all) << "all 40 centroids among the points are neighbours of each other";
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
  TrainingControl control;
  Pace pace(control, 1);
  ASSERT_TRUE(KMeans(matrix, {.iterations = 10, .seed = 1}, pace, centroids));
  const Matrix trained = {centroids.data(), 24, 6};
  EXPECT_EQ(DistinctRows(trained, 24).size(), 24u);
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
  EXPECT_EQ(DistinctRows(matrix, 100), (std::vector<uint32_t>{0, 2, 4, 6}));
  EXPECT_EQ(DistinctRows(matrix, 3), (std::vector<uint32_t>{0, 2, 4}));
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
