#include "index/kmeans.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <utility>

#include "index/assign.h"
#include "index/random.h"

namespace kith::index {
namespace {

uint64_t HashRow(const float* row, size_t n) {
  uint64_t hash = n;
  for (size_t i = 0; i < n; ++i) {
    // Adding 0 turns -0 into 0.
    hash = (hash ^ std::bit_cast<uint32_t>(row[i] + 0.0f)) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  }
  return hash;
}

bool SameRow(const float* a, const float* b, size_t n) { return std::equal(a, a + n, b); }

void MoveToMean(const Matrix& points, const Members& members, size_t cluster, float* centroid) {
  const uint32_t size = members.Size(cluster);
  if (size == 0) return;
  std::vector<double> sums(points.dimension);
  for (uint32_t i = 0; i < size; ++i) {
    const float* point = points.Row(members.Of(cluster)[i]);
    for (size_t j = 0; j < points.dimension; ++j) sums[j] += point[j];
  }
  for (size_t j = 0; j < points.dimension; ++j) centroid[j] = static_cast<float>(sums[j] / size);
}

// Gives centroids without points a point of a large cluster each.
class Reseeding {
 public:
  Reseeding(const Matrix& points, const Members& members, Random& random)
      : points_(points), members_(members), random_(random) {}

  void Run(std::vector<float>& centroids) {
    const size_t clusters = members_.begins.size() - 1;
    std::vector<uint32_t> empty;
    for (uint32_t c = 0; c < clusters; ++c) {
      if (members_.Size(c) == 0) empty.push_back(c);
      if (members_.Size(c) > 1) largest_.push({members_.Size(c), ~c});
    }
    for (uint32_t c : empty) {
      const float* point = PointOfLargest();
      if (point == nullptr) return;
      std::copy(point, point + points_.dimension, centroids.data() + c * points_.dimension);
    }
  }

 private:
  // nullptr where no cluster has two different points.
  const float* PointOfLargest() {
    while (!largest_.empty()) {
      const auto [share, inverted] = largest_.top();
      const uint32_t cluster = ~inverted;
      largest_.pop();
      if (!HasDifferentPoints(cluster)) continue;
      // Counted as half: it will share its points with the new one.
      if (share > 1) largest_.push({share / 2, inverted});
      return points_.Row(members_.Of(cluster)[random_.Below(members_.Size(cluster))]);
    }
    return nullptr;
  }

  bool HasDifferentPoints(uint32_t cluster) const {
    const uint32_t* of = members_.Of(cluster);
    for (uint32_t i = 1; i < members_.Size(cluster); ++i) {
      if (!SameRow(points_.Row(of[0]), points_.Row(of[i]), points_.dimension)) return true;
    }
    return false;
  }

  const Matrix& points_;
  const Members& members_;
  Random& random_;
  std::priority_queue<std::pair<uint32_t, uint32_t>> largest_;  // share of points, ~cluster
};

bool MoveAll(const Matrix& points, const Members& members, Pace& pace,
             std::vector<float>& centroids) {
  constexpr size_t kChunk = 64;
  const size_t clusters = members.begins.size() - 1;
  return pace.Run((clusters + kChunk - 1) / kChunk, 0, [&](size_t chunk) {
    const size_t end = std::min(clusters, (chunk + 1) * kChunk);
    for (size_t c = chunk * kChunk; c < end; ++c) {
      MoveToMean(points, members, c, centroids.data() + c * points.dimension);
    }
  });
}

// With many clusters, points that have been placed once are only compared with their centroid's
// neighbours.
bool OnlyNear(int iteration, size_t clusters) {
  constexpr size_t kManyClusters = 512;
  return iteration > 0 && clusters > kManyClusters;
}

}  // namespace

std::vector<uint32_t> DistinctRows(const Matrix& matrix, size_t wanted) {
  constexpr uint32_t kFree = 0xffffffff;
  const size_t slots = std::bit_ceil(2 * std::min(wanted, matrix.count) + 1);
  std::vector<uint32_t> table(slots, kFree);
  std::vector<uint32_t> found;
  for (uint32_t i = 0; i < matrix.count && found.size() < wanted; ++i) {
    size_t slot = HashRow(matrix.Row(i), matrix.dimension) >> 7 & (slots - 1);
    while (table[slot] != kFree &&
           !SameRow(matrix.Row(table[slot]), matrix.Row(i), matrix.dimension)) {
      slot = (slot + 1) & (slots - 1);
    }
    if (table[slot] != kFree) continue;
    table[slot] = i;
    found.push_back(i);
  }
  return found;
}

double KMeansWork(const Matrix& points, const Matrix& centroids, int iterations) {
  double work = 0;
  for (int i = 0; i < iterations; ++i) {
    work += OnlyNear(i, centroids.count) ? AssignNearWork(points, centroids)
                                         : AssignAllWork(points, centroids);
  }
  return work;
}

bool KMeans(const Matrix& points, const KMeansOptions& options, Pace& pace,
            std::vector<float>& centroids) {
  Random random(options.seed);
  const size_t clusters = centroids.size() / points.dimension;
  const Matrix matrix = {centroids.data(), clusters, points.dimension};
  std::vector<uint32_t> nearest;
  for (int i = 0; i < options.iterations; ++i) {
    const auto assign = OnlyNear(i, clusters) ? AssignNear : AssignAll;
    if (!assign(points, matrix, pace, nearest)) return false;
    const Members members(nearest, clusters);
    if (!MoveAll(points, members, pace, centroids)) return false;
    Reseeding(points, members, random).Run(centroids);
  }
  return true;
}

}  // namespace kith::index
