#include "index/nearest.h"

#include <algorithm>
#include <limits>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr size_t kTilePoints = 96;
constexpr size_t kTileCentroids = 512;  // with kTilePoints: 192 KiB of products, within a core's L2
constexpr size_t kLookupCentroids = 256;
constexpr size_t kLookupDimension = 64;

// The smallest of 64 sums, in eight lanes so that it is a few vector instructions.
float SmallestOf64(const float* a, const float* b) {
  float lanes[8];
  for (int i = 0; i < 8; ++i) lanes[i] = a[i] + b[i];
  for (int j = 8; j < 64; j += 8) {
    for (int i = 0; i < 8; ++i) {
      const float sum = a[j + i] + b[j + i];
      lanes[i] = sum < lanes[i] ? sum : lanes[i];
    }
  }
  return *std::min_element(lanes, lanes + 8);
}

struct Smallest {
  float sum = std::numeric_limits<float>::infinity();
  size_t position = 0;

  void Take(const float* a, const float* b, size_t count, size_t offset) {
    // Only the block that won is looked through for the place.
    size_t winner = count;
    size_t i = 0;
    for (; i + 64 <= count; i += 64) {
      const float least = SmallestOf64(a + i, b + i);
      if (least < sum) {
        sum = least;
        winner = i;
      }
    }
    if (winner != count) {
      while (a[winner] + b[winner] != sum) ++winner;
      position = offset + winner;
    }
    for (; i < count; ++i) {
      if (a[i] + b[i] < sum) {
        sum = a[i] + b[i];
        position = offset + i;
      }
    }
  }
};

}  // namespace

float SquaredNorm(const float* row, size_t n) {
  double sum = 0;
  for (size_t j = 0; j < n; ++j) sum += double{row[j]} * row[j];
  return static_cast<float>(sum);
}

std::vector<float> SquaredNorms(const Matrix& matrix) {
  std::vector<float> norms(matrix.count);
  for (size_t i = 0; i < matrix.count; ++i) {
    norms[i] = SquaredNorm(matrix.Row(i), matrix.dimension);
  }
  return norms;
}

size_t SmallestSum(const float* a, const float* b, size_t count) {
  Smallest smallest;
  smallest.Take(a, b, count, 0);
  return smallest.position;
}

size_t NearestFinder::ChunkPoints(const Matrix& centroids) {
  constexpr double kMultiplications = 2e8;  // some 20 ms
  const double each =
      static_cast<double>(centroids.count) * static_cast<double>(centroids.dimension);
  const auto points = static_cast<size_t>(std::clamp(kMultiplications / each, 12.0, 4800.0));
  return points < kTilePoints ? points / 12 * 12 : points / kTilePoints * kTilePoints;
}

void NearestFinder::Find(const Matrix& points, uint32_t* nearest) {
  // Short rows: the look-up kernel has no sixteen lanes to fold at the end of each product.
  if (centroids_.count == kLookupCentroids && centroids_.dimension <= kLookupDimension) {
    FindByLookup(points, nearest);
    return;
  }
  for (size_t i = 0; i < points.count; i += kTilePoints) {
    const size_t count = std::min(kTilePoints, points.count - i);
    FindByTiles({points.Row(i), count, points.dimension}, nearest + i);
  }
}

void NearestFinder::FindByLookup(const Matrix& points, uint32_t* nearest) {
  tile_.resize(kLookupCentroids);
  std::vector<float> columns(kLookupCentroids * points.dimension);
  for (size_t c = 0; c < kLookupCentroids; ++c) {
    for (size_t j = 0; j < points.dimension; ++j) {
      columns[j * kLookupCentroids + c] = centroids_.Row(c)[j];
    }
  }
  const uint32_t begins[2] = {0, static_cast<uint32_t>(points.dimension)};
  for (size_t i = 0; i < points.count; ++i) {
    ActiveKernels().lookup_table(points.Row(i), columns.data(), begins, 1, -2, tile_.data());
    nearest[i] = static_cast<uint32_t>(SmallestSum(norms_.data(), tile_.data(), kLookupCentroids));
  }
}

void NearestFinder::FindByTiles(const Matrix& points, uint32_t* nearest) {
  // -2x is exact, so <-2x, c> needs no further scaling.
  scaled_.resize(points.count * points.dimension);
  for (size_t i = 0; i < scaled_.size(); ++i) scaled_[i] = -2 * points.rows[i];
  tile_.resize(points.count * std::min(kTileCentroids, centroids_.count));
  Smallest smallest[kTilePoints];
  for (size_t c = 0; c < centroids_.count; c += kTileCentroids) {
    const size_t count = std::min(kTileCentroids, centroids_.count - c);
    ActiveKernels().dot_tile(scaled_.data(), points.count, centroids_.Row(c), count,
                             points.dimension, tile_.data());
    for (size_t i = 0; i < points.count; ++i) {
      smallest[i].Take(norms_.data() + c, tile_.data() + i * count, count, c);
    }
  }
  for (size_t i = 0; i < points.count; ++i) {
    nearest[i] = static_cast<uint32_t>(smallest[i].position);
  }
}

}  // namespace kith::index
