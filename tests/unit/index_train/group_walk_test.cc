#include "index/group_walk.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

#include "index/assign.h"
#include "index/kmeans.h"
#include "index/list_groups.h"
#include "index/nearest.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

constexpr uint32_t kDimension = 12;

struct Lists {
  explicit Lists(std::vector<float> centroids) : rows(std::move(centroids)) {
    TrainingControl control;
    Pace pace(control, 1);
    EXPECT_TRUE(GroupRows(kDimension, pace, rows));
    codes = CentroidCodes(matrix());
    groups = GroupCodes(matrix(), codes.range());
  }
  Matrix matrix() const { return {rows.data(), rows.size() / kDimension, kDimension}; }

  std::vector<float> rows;
  CentroidCodes codes;
  CentroidCodes groups;
};

std::vector<uint32_t> Find(const Lists& lists, const CoarseCodes& codes,
                           const std::vector<float>& points) {
  const size_t count = points.size() / kDimension;
  std::vector<uint32_t> nearest(count);
  NearestFinder(lists.matrix(), codes).Find({points.data(), count, kDimension}, nearest.data());
  return nearest;
}

std::vector<float> Bytes(size_t count, uint32_t seed) {
  auto points = ClusteredPoints(count, kDimension, seed);
  for (float& value : points) value = std::floor(value * 255);
  return points;
}

TEST(GroupWalkTest, WhereAllGroupsAreNearTheAnswerIsThatOfAllLists) {
  // 23 groups, the last of seven lists.
  for (const auto& rows : {ClusteredPoints(1415, kDimension, 1), Bytes(1415, 1)}) {
    const Lists lists(rows);
    for (const auto& points : {ClusteredPoints(500, kDimension, 1), Bytes(500, 1)}) {
      EXPECT_EQ(Find(lists, {lists.codes, &lists.groups}, points),
                Find(lists, {lists.codes}, points));
    }
  }
}

TEST(GroupWalkTest, OfManyGroupsTheNearestHoldTheNearestList) {
  const Lists lists(ClusteredPoints(20'000, kDimension, 1));
  const auto points = ClusteredPoints(3000, kDimension, 1);
  const auto flat = Find(lists, {lists.codes}, points);
  const auto grouped = Find(lists, {lists.codes, &lists.groups}, points);
  size_t same = 0;
  for (size_t i = 0; i < flat.size(); ++i) same += flat[i] == grouped[i];
  EXPECT_GE(same, 2940u);
}

TEST(GroupWalkTest, AnAnswerDoesNotDependOnThePointsBesideIt) {
  const Lists lists(Bytes(5000, 1));
  const auto points = Bytes(300, 2);
  const auto together = Find(lists, {lists.codes, &lists.groups}, points);
  for (const size_t i : {0, 17, 299}) {
    const std::vector<float> alone(&points[i * kDimension], &points[i * kDimension] + kDimension);
    EXPECT_EQ(Find(lists, {lists.codes, &lists.groups}, alone)[0], together[i]);
  }
}

TEST(GroupWalkTest, OfEqualListsTheFirstIsTaken) {
  const Lists lists(std::vector<float>(5000 * kDimension, 7));
  EXPECT_EQ(Find(lists, {lists.codes, &lists.groups}, std::vector<float>(kDimension, 7))[0], 0u);
  // A point that is no byte compares floats.
  EXPECT_EQ(Find(lists, {lists.codes, &lists.groups}, std::vector<float>(kDimension, 7.5f))[0], 0u);
}

TEST(GroupWalkTest, KMeansByGroupsIsAsGoodAsByAllClusters) {
  const auto points = ClusteredPoints(40'000, kDimension, 3);
  const Matrix matrix = {points.data(), 40'000, kDimension};
  const RowSource source = {matrix.count, kDimension, [&](size_t i, float* out) {
                              std::copy_n(matrix.Row(i), kDimension, out);
                            }};
  const auto spread = [&](size_t ungrouped, int threads, std::vector<float>& centroids) {
    TrainingControl control;
    control.threads = threads;
    Pace pace(control, 1);
    const ByteRange range = ByteRange::Fit(matrix);
    CodedPoints coded{range};
    Clusters clusters{{points.begin(), points.begin() + 4096 * kDimension}, {}};
    EXPECT_TRUE(EncodePoints(source, pace, coded));
    const KMeansOptions options = {
        .iterations = 6, .seed = 1, .largest = 2.5f, .ungrouped = ungrouped};
    EXPECT_TRUE(KMeans(coded, options, pace, clusters));
    double sum = 0;
    for (size_t i = 0; i < matrix.count; ++i) {
      const float* centroid = &clusters.centroids[clusters.nearest[i] * kDimension];
      for (size_t j = 0; j < kDimension; ++j) {
        sum += (matrix.Row(i)[j] - centroid[j]) * (matrix.Row(i)[j] - centroid[j]);
      }
    }
    centroids = clusters.centroids;
    return sum;
  };
  std::vector<float> flat;
  std::vector<float> grouped;
  std::vector<float> with_threads;
  const double flat_spread = spread(kUngroupedLists, 2, flat);
  EXPECT_LT(spread(4095, 1, grouped), 1.02 * flat_spread);
  spread(4095, 3, with_threads);
  EXPECT_EQ(grouped, with_threads);
  spread(4096, 1, with_threads);
  EXPECT_EQ(with_threads, flat) << "at the limit nothing changes";
}

}  // namespace
}  // namespace kith::index
