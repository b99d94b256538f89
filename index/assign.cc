#include "index/assign.h"

#include <algorithm>
#include <numeric>
#include <span>
#include <utility>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

// In 16 evenly filled dimensions that costs less than 0.5 % of distortion (kmeans_test.cc).
constexpr size_t kNeighbours = 96;
constexpr size_t kChunkPieces = 12;

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
        nearest_(nearest) {
    const uint32_t most = PieceMembers();
    for (uint32_t cluster = 0; cluster < centroids.count; ++cluster) {
      for (uint32_t begin = members_.begins[cluster]; begin < members_.begins[cluster + 1];) {
        const uint32_t end = std::min(members_.begins[cluster + 1] - begin, most) + begin;
        pieces_.push_back({cluster, begin, end});
        begin = end;
      }
    }
  }

  size_t chunks() const { return (pieces_.size() + kChunkPieces - 1) / kChunkPieces; }

  void DoChunk(size_t chunk) {
    const size_t begin = chunk * kChunkPieces;
    const std::span<const Piece> pieces =
        std::span(pieces_).subspan(begin, std::min(kChunkPieces, pieces_.size() - begin));
    std::vector<uint32_t> clusters;
    for (const Piece& piece : pieces) clusters.push_back(piece.cluster);
    const auto rows = Gather(centroids_, clusters.data(), clusters.size());
    std::vector<float> products(clusters.size() * centroids_.count);
    ActiveKernels().dot_tile(rows.data(), clusters.size(), centroids_.rows, centroids_.count,
                             centroids_.dimension, products.data());
    for (size_t i = 0; i < pieces.size(); ++i) {
      MoveMembers(pieces[i], &products[i * centroids_.count]);
    }
  }

 private:
  // Members of a cluster, [begin, end) of the members of all. A fat cluster makes several, so that
  // no thread is left alone with it.
  struct Piece {
    uint32_t cluster;
    uint32_t begin;
    uint32_t end;
  };

  // A chunk takes some 20 ms.
  uint32_t PieceMembers() const {
    constexpr double kMultiplications = 2e8;
    const double each = kChunkPieces * kNeighbours * static_cast<double>(centroids_.dimension);
    return static_cast<uint32_t>(std::max(kMultiplications / each, 96.0));
  }

  void MoveMembers(const Piece& piece, const float* products) {
    const uint32_t size = piece.end - piece.begin;
    const uint32_t* members = &members_.points[piece.begin];
    const std::vector<uint32_t> neighbours = Neighbours(products);
    const auto rows = Gather(centroids_, neighbours.data(), neighbours.size());
    std::vector<float> norms;
    for (uint32_t neighbour : neighbours) norms.push_back(norms_[neighbour]);
    const auto points = Gather(points_, members, size);
    std::vector<uint32_t> found(size);
    NearestFinder({rows.data(), neighbours.size(), points_.dimension}, norms)
        .Find({points.data(), size, points_.dimension}, found.data());
    for (uint32_t i = 0; i < size; ++i) nearest_[members[i]] = neighbours[found[i]];
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
  std::vector<Piece> pieces_;
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
  const size_t chunks = assignment.chunks();
  const double work = AssignNearWork(points, centroids) / static_cast<double>(chunks);
  return pace.Run(chunks, work, [&](size_t chunk) { assignment.DoChunk(chunk); });
}

double AssignNearWork(const Matrix& points, const Matrix& centroids) {
  const size_t neighbours = std::min(kNeighbours, centroids.count);
  return AssignAllWork(centroids, centroids) +
         AssignAllWork(points, {nullptr, neighbours, centroids.dimension});
}

}  // namespace kith::index
