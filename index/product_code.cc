#include "index/product_code.h"

#include <algorithm>

#include "index/kernels/kernel_table.h"
#include "index/kmeans.h"

namespace kith::index {
namespace {

// Twelve more bring held-out SIFT 0.3 % nearer to 256 centroids.
constexpr int kIterations = 12;

std::vector<float> Columns(const Matrix& matrix, size_t begin, size_t end) {
  std::vector<float> part;
  part.reserve(matrix.count * (end - begin));
  for (size_t i = 0; i < matrix.count; ++i) {
    part.insert(part.end(), matrix.Row(i) + begin, matrix.Row(i) + end);
  }
  return part;
}

// Distinct points first; where a sub-space has fewer than 256 (a dimension that never varies),
// some start, and stay, equal.
std::vector<float> FirstCodewords(const Matrix& points) {
  std::vector<uint32_t> rows = DistinctRows(points, kCodewords);
  for (size_t i = 0; rows.size() < kCodewords; ++i) rows.push_back(rows[i]);
  std::vector<float> codewords;
  for (uint32_t row : rows) {
    codewords.insert(codewords.end(), points.Row(row), points.Row(row) + points.dimension);
  }
  return codewords;
}

}  // namespace

std::vector<uint32_t> SubspaceBegins(uint32_t dimension, uint32_t subspaces) {
  std::vector<uint32_t> begins;
  for (uint32_t m = 0; m <= subspaces; ++m) {
    begins.push_back(static_cast<uint32_t>(uint64_t{dimension} * m / subspaces));
  }
  return begins;
}

std::optional<std::vector<float>> TrainCodebooks(const Matrix& residuals,
                                                 std::span<const uint32_t> begins, uint64_t seed,
                                                 Pace& pace) {
  std::vector<float> codebooks(kCodewords * residuals.dimension);
  for (size_t m = 0; m + 1 < begins.size(); ++m) {
    const size_t width = begins[m + 1] - begins[m];
    const std::vector<float> part = Columns(residuals, begins[m], begins[m + 1]);
    const Matrix points = {part.data(), residuals.count, width};
    std::vector<float> codewords = FirstCodewords(points);
    if (!KMeans(points, {.iterations = kIterations, .seed = seed + m}, pace, codewords)) {
      return std::nullopt;
    }
    for (size_t k = 0; k < kCodewords; ++k) {
      std::copy_n(codewords.data() + k * width, width,
                  codebooks.data() + k * residuals.dimension + begins[m]);
    }
  }
  return codebooks;
}

double CodebookWork(const Matrix& residuals) {
  return KMeansWork(residuals, {nullptr, kCodewords, residuals.dimension}, kIterations);
}

std::vector<float> CodebookColumns(std::span<const float> codebooks, size_t dimension) {
  std::vector<float> columns(codebooks.size());
  for (size_t k = 0; k < kCodewords; ++k) {
    for (size_t j = 0; j < dimension; ++j)
      columns[j * kCodewords + k] = codebooks[k * dimension + j];
  }
  return columns;
}

ProductCoder::ProductCoder(std::span<const float> codebooks, std::span<const uint32_t> begins)
    : codebooks_(codebooks),
      begins_(begins),
      columns_(CodebookColumns(codebooks, begins.back())),
      norms_(subspaces() * kCodewords) {
  for (size_t k = 0; k < kCodewords; ++k) {
    const float* row = codebooks.data() + k * dimension();
    for (size_t m = 0; m < subspaces(); ++m) {
      norms_[m * kCodewords + k] = SquaredNorm(row + begins[m], begins[m + 1] - begins[m]);
    }
  }
}

void ProductCoder::Encode(const float* residual, uint8_t* codes, float* decoded,
                          std::vector<float>& scratch) const {
  scratch.resize(norms_.size());
  ActiveKernels().lookup_table(residual, columns_.data(), begins_.data(), subspaces(), -2,
                               scratch.data());
  for (size_t m = 0; m < subspaces(); ++m) {
    const size_t code =
        SmallestSum(norms_.data() + m * kCodewords, scratch.data() + m * kCodewords, kCodewords);
    codes[m] = static_cast<uint8_t>(code);
    std::copy_n(codebooks_.data() + code * dimension() + begins_[m], begins_[m + 1] - begins_[m],
                decoded + begins_[m]);
  }
}

double BiasOf(const float* centroid, const float* residual, size_t dimension) {
  double lanes[4] = {};
  size_t j = 0;
  for (; j + 4 <= dimension; j += 4) {
    for (size_t i = 0; i < 4; ++i) {
      const double value = residual[j + i];
      lanes[i] += value * (value + 2 * double{centroid[j + i]});
    }
  }
  for (size_t i = 0; j < dimension; ++i, ++j) {
    lanes[i] += double{residual[j]} * (double{residual[j]} + 2 * double{centroid[j]});
  }
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

}  // namespace kith::index
