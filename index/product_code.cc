#include "index/product_code.h"

#include <algorithm>
#include <utility>

#include "index/kernels/kernel_table.h"
#include "index/kmeans.h"
#include "index/plan.h"

namespace kith::index {
namespace {

// Twelve more bring held-out SIFT 0.3 % nearer to 256 centroids.
constexpr int kIterations = 12;

// Of these the range of a sub-space's bytes is made.
constexpr size_t kFittedPoints = 16'384;

// Distinct points first; where a sub-space has fewer than 256 (a dimension that never varies),
// some start, and stay, equal.
std::vector<float> FirstCodewords(const RowSource& points) {
  std::vector<uint32_t> rows = DistinctRows(points, kCodewords);
  for (size_t i = 0; rows.size() < kCodewords; ++i) rows.push_back(rows[i]);
  std::vector<float> codewords(kCodewords * points.dimension);
  for (size_t k = 0; k < kCodewords; ++k) points.read(rows[k], &codewords[k * points.dimension]);
  return codewords;
}

std::optional<std::vector<float>> TrainCodewords(const Matrix& points, uint64_t seed, Pace& pace) {
  const RowSource rows = {points.count, points.dimension, [&](size_t i, float* out) {
                            std::copy_n(points.Row(i), points.dimension, out);
                          }};
  const ByteRange range =
      ByteRange::Fit({points.rows, std::min(points.count, kFittedPoints), points.dimension});
  CodedPoints coded{range};
  Clusters clusters{FirstCodewords(rows), {}};
  if (!EncodePoints(rows, pace, coded) ||
      !KMeans(coded, {.iterations = kIterations, .seed = seed}, pace, clusters) ||
      !MoveToMeans(rows, pace, clusters)) {
    return std::nullopt;
  }
  return std::move(clusters.centroids);
}

}  // namespace

std::vector<uint32_t> SubspaceBegins(uint32_t dimension, uint32_t subspaces) {
  std::vector<uint32_t> begins;
  for (uint32_t m = 0; m <= subspaces; ++m) {
    begins.push_back(static_cast<uint32_t>(uint64_t{dimension} * m / subspaces));
  }
  return begins;
}

std::optional<std::vector<float>> TrainCodebooks(const TrainingResiduals& residuals,
                                                 std::span<const uint32_t> begins, uint64_t seed,
                                                 Pace& pace) {
  const size_t n = residuals.dimension();
  const size_t count = std::min<size_t>(residuals.count(), kCodebookPoints);
  std::vector<float> codebooks(kCodewords * n);
  for (size_t m = 0; m + 1 < begins.size(); ++m) {
    const size_t width = begins[m + 1] - begins[m];
    std::vector<float> part(count * width);
    for (size_t i = 0; i < count; ++i) {
      residuals.Read(i, begins[m], begins[m + 1], &part[i * width]);
    }
    const auto codewords = TrainCodewords({part.data(), count, width}, seed + m, pace);
    if (!codewords.has_value()) return std::nullopt;
    for (size_t k = 0; k < kCodewords; ++k) {
      std::copy_n(codewords->data() + k * width, width, &codebooks[k * n + begins[m]]);
    }
  }
  return codebooks;
}

double CodebookWork(size_t points, size_t dimension) {
  return KMeansWork(std::min<size_t>(points, kCodebookPoints), kCodewords, dimension, kIterations);
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
    : codebooks_(codebooks), begins_(begins) {
  for (size_t m = 0; m < subspaces(); ++m) {
    const size_t width = begins[m + 1] - begins[m];
    std::vector<float> part(kCodewords * width);
    for (size_t k = 0; k < kCodewords; ++k) {
      std::copy_n(codebooks.data() + k * dimension() + begins[m], width, &part[k * width]);
    }
    codewords_.emplace_back(Matrix{part.data(), kCodewords, width});
    const ByteRange& range = codewords_.back().range();
    low_.insert(low_.end(), range.low().begin(), range.low().end());
    inverse_step_.insert(inverse_step_.end(), range.inverse_step().begin(),
                         range.inverse_step().end());
  }
}

void ProductCoder::Encode(const Matrix& residuals, uint8_t* codes, Scratch& scratch) const {
  const KernelTable& kernels = ActiveKernels();
  const size_t count = residuals.count;
  const size_t n = dimension();
  scratch.row.resize(count * n);
  for (size_t i = 0; i < count; ++i) {
    kernels.byte_codes(residuals.Row(i), low_.data(), inverse_step_.data(), n, &scratch.row[i * n]);
  }
  scratch.nearest.resize(count);
  for (size_t m = 0; m < subspaces(); ++m) {
    const size_t width = codewords_[m].width();
    const size_t used = begins_[m + 1] - begins_[m];
    scratch.codes.assign(count * width, 0);
    for (size_t i = 0; i < count; ++i) {
      std::copy_n(&scratch.row[i * n + begins_[m]], used, &scratch.codes[i * width]);
    }
    kernels.panel_nearest(codewords_[m].distance_panels(), scratch.codes.data(), count,
                          scratch.nearest.data());
    for (size_t i = 0; i < count; ++i) {
      codes[i * subspaces() + m] = static_cast<uint8_t>(scratch.nearest[i]);
    }
  }
}

void ProductCoder::Decode(const uint8_t* codes, float* decoded) const {
  for (size_t m = 0; m < subspaces(); ++m) {
    const float* codeword = codebooks_.data() + codes[m] * dimension() + begins_[m];
    std::copy_n(codeword, begins_[m + 1] - begins_[m], decoded + begins_[m]);
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
