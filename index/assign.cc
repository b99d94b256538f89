#include "index/assign.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr size_t kNeighbours = 96;
constexpr size_t kChunkClusters = 12;

// The rows named by `ids`, one after another.
std::vector<float> Gather(const Matrix& matrix, const uint32_t* ids, size_t count) {
  std::vector<float> rows;
  rows.reserve(count * matrix.dimension);
  for (size_t i = 0; i < count; ++i) {
    rows.insert(rows.end(), matrix.Row(ids[i]), matrix.Row(ids[i]) + matrix.dimension);
  }
  return rows;
}

class NearAssignment {
 public:
  NearAssignment(const Matrix& points, const Matrix& centroids, std::vector<uint32_t>& nearest)
      : points_(points),
        centroids_(centroids),
        members_(nearest, centroids.count),
        norms_(SquaredNorms(centroids)),
        nearest_(nearest) {}

  void DoChunk(size_t chunk) {
    const size_t begin = chunk * kChunkClusters;
    const size_t count = std::min(kChunkClusters, centroids_.count - begin);
    std::vector<float> products(count * centroids_.count);
    ActiveKernels().dot_tile(centroids_.Row(begin), count, centroids_.rows, centroids_.count,
                             centroids_.dimension, products.data());
    for (size_t i = 0; i < count; ++i) MoveMembers(begin + i, &products[i * centroids_.count]);
  }

 private:
  void MoveMembers(size_t cluster, const float* products) {
    const uint32_t size = members_.Size(cluster);
    if (size == 0) return;
    const std::vector<uint32_t> neighbours = Neighbours(products);
    const auto rows = Gather(centroids_, neighbours.data(), neighbours.size());
    std::vector<float> norms;
    for (uint32_t neighbour : neighbours) norms.push_back(norms_[neighbour]);
    const auto points = Gather(points_, members_.Of(cluster), size);
    std::vector<uint32_t> found(size);
    NearestFinder({rows.data(), neighbours.size(), points_.dimension}, norms)
        .Find({points.data(), size, points_.dimension}, found.data());
    for (uint32_t i = 0; i < size; ++i) nearest_[members_.Of(cluster)[i]] = neighbours[found[i]];
  }

  // Ascending, so that of equally near ones the lower is found.
  std::vector<uint32_t> Neighbours(const float* products) const {
    std::vector<std::pair<float, uint32_t>> order;
    for (uint32_t c = 0; c < centroids_.count; ++c) {
      order.push_back({norms_[c] - 2 * products[c], c});
    }
    const size_t count = std::min(kNeighbours, order.size());
    std::nth_element(order.begin(), order.begin() + static_cast<ptrdiff_t>(count) - 1, order.end());
    std::vector<uint32_t> neighbours;
    for (size_t i = 0; i < count; ++i) neighbours.push_back(order[i].second);
    std::sort(neighbours.begin(), neighbours.end());
    return neighbours;
  }

  const Matrix points_;
  const Matrix centroids_;
  const Members members_;
  const std::vector<float> norms_;
  std::vector<uint32_t>& nearest_;
};

}  // namespace

Members::Members(const std::vector<uint32_t>& nearest, size_t clusters)
    : begins(clusters + 1), points(nearest.size()) {
  for (uint32_t cluster : nearest) ++begins[cluster + 1];
  std::partial_sum(begins.begin(), begins.end(), begins.begin());
  std::vector<uint32_t> next(begins.begin(), begins.end() - 1);
  for (uint32_t i = 0; i < nearest.size(); ++i) points[next[nearest[i]]++] = i;
}

bool AssignAll(const Matrix& points, const Matrix& centroids, Pace& pace,
               std::vector<uint32_t>& nearest) {
  nearest.resize(points.count);
  const std::vector<float> norms = SquaredNorms(centroids);
  const size_t chunk_points = NearestFinder::ChunkPoints(centroids);
  const size_t chunks = (points.count + chunk_points - 1) / chunk_points;
  const double work = AssignAllWork(points, centroids) / static_cast<double>(chunks);
  return pace.Run(chunks, work, [&](size_t chunk) {
    const size_t begin = chunk * chunk_points;
    const size_t count = std::min(chunk_points, points.count - begin);
    NearestFinder(centroids, norms)
        .Find({points.Row(begin), count, points.dimension}, nearest.data() + begin);
  });
}

double AssignAllWork(const Matrix& points, const Matrix& centroids) {
  return static_cast<double>(points.count) * static_cast<double>(centroids.count) *
         static_cast<double>(centroids.dimension);
}

bool AssignNear(const Matrix& points, const Matrix& centroids, Pace& pace,
                std::vector<uint32_t>& nearest) {
  NearAssignment assignment(points, centroids, nearest);
  const size_t chunks = (centroids.count + kChunkClusters - 1) / kChunkClusters;
  const double work = AssignNearWork(points, centroids) / static_cast<double>(chunks);
  return pace.Run(chunks, work, [&](size_t chunk) { assignment.DoChunk(chunk); });
}

double AssignNearWork(const Matrix& points, const Matrix& centroids) {
  const size_t neighbours = std::min(kNeighbours, centroids.count);
  return AssignAllWork(centroids, centroids) +
         AssignAllWork(points, {nullptr, neighbours, centroids.dimension});
}

}  // namespace kith::index
