#include "index/packed_training.h"

#include <algorithm>
#include <cmath>

#include "index/assign.h"
#include "index/code_ranges.h"
#include "index/packed_coder.h"
#include "index/plan.h"
#include "index/product_code.h"
#include "index/sample_ranges.h"

namespace kith::index {
namespace {

constexpr size_t kChunk = 1024;   // points a task
constexpr size_t kColumns = 16;   // dimensions a task: a cache line of each row
constexpr size_t kFitted = 8192;  // points that the range of a dimension is fitted to
constexpr int kReaches = 16;      // that are tried for it
// Of the squared error that all but one in kPointsPerStray points keep to.
constexpr double kErrorMargin = 4;
// Of the corrections' span, at either end: their sixteen bits have room.
constexpr float kCorrectionMargin = 0.5f;

struct Range {
  float min = 0;  // of code 0
  float scale = 1;
};

struct Column {
  ErrorsByBits errors;
  std::array<Range, PackedLayout::kMostBits + 1> ranges;
};

// Summed in lanes, so that it takes vector instructions.
double MeanSquaredError(std::span<const float> values, const Range& range, float most) {
  constexpr size_t kLanes = 8;
  float lanes[kLanes] = {};
  const float inverse = 1 / range.scale;
  const auto error = [&](float value) {
    const float code = std::max((value - range.min) * inverse + 0.5f, 0.0f);
    const auto whole = static_cast<float>(static_cast<int>(std::min(code, most)));
    const float difference = value - (range.min + range.scale * whole);
    return difference * difference;
  };
  size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (size_t lane = 0; lane < kLanes; ++lane) lanes[lane] += error(values[i + lane]);
  }
  double sum = 0;
  for (const float lane : lanes) sum += lane;
  for (; i < values.size(); ++i) sum += error(values[i]);
  return sum / static_cast<double>(values.size());
}

// Values far out are few: the best range ends before them, and they take its outermost code. How
// far it reaches from the mean is tried out, from half a standard deviation to the farthest value.
Column FitColumn(std::span<const float> values) {
  double mean = 0;
  for (const float value : values) mean += value;
  mean /= static_cast<double>(values.size());
  double variance = 0;
  double farthest = 0;
  for (const float value : values) {
    variance += (value - mean) * (value - mean);
    farthest = std::max(farthest, std::abs(value - mean));
  }
  variance /= static_cast<double>(values.size());
  Column column;
  column.errors.fill(variance);
  column.ranges.fill({static_cast<float>(mean), 1});
  const double nearest = std::sqrt(variance) / 2;
  if (!(nearest > 1e-18 * (1 + std::abs(mean)))) {
    column.errors.fill(0);
    return column;
  }
  const double ratio = std::pow(farthest / nearest, 1.0 / (kReaches - 1));
  for (uint32_t bits = 1; bits <= PackedLayout::kMostBits; ++bits) {
    const double levels = std::exp2(bits);
    double reach = nearest;
    for (int i = 0; i < kReaches; ++i, reach *= ratio) {
      const double step = 2 * reach / levels;
      const Range range{static_cast<float>(mean - reach + step / 2), static_cast<float>(step)};
      const double error = MeanSquaredError(values, range, static_cast<float>(levels - 1));
      if (i != 0 && error >= column.errors[bits]) continue;
      column.errors[bits] = error;
      column.ranges[bits] = range;
    }
  }
  return column;
}

class PackedTraining {
 public:
  PackedTraining(const TrainingResiduals& residuals, Pace& pace, IndexVersion& version)
      : residuals_(residuals),
        pace_(pace),
        version_(version),
        coder_(version.codebooks, version.subspace_begins) {}

  bool Run(std::span<const uint8_t> is_stray) {
    for (uint32_t i = 0; i < residuals_.count() && points_.size() < kCodebookPoints; ++i) {
      if (is_stray[i] == 0) points_.push_back(i);
    }
    if (!EncodePlaneA() || !FitColumns()) return false;
    SetBits();
    return MeasureRows();
  }

 private:
  size_t dimension() const { return residuals_.dimension(); }
  size_t chunks() const { return (points_.size() + kChunk - 1) / kChunk; }

  bool EncodePlaneA() {
    codes_.resize(points_.size() * coder_.subspaces());
    const double work = AssignWork(kChunk, kCodewords, dimension());
    return pace_.Run(chunks(), work, [&](size_t chunk) {
      const size_t begin = chunk * kChunk;
      const size_t count = std::min(kChunk, points_.size() - begin);
      std::vector<float> rows(count * dimension());
      for (size_t i = 0; i < count; ++i) {
        residuals_.Read(points_[begin + i], &rows[i * dimension()]);
      }
      ProductCoder::Scratch scratch;
      coder_.Encode({rows.data(), count, dimension()}, &codes_[begin * coder_.subspaces()],
                    scratch);
    });
  }

  bool FitColumns() {
    columns_.resize(dimension());
    return pace_.Run((dimension() + kColumns - 1) / kColumns, 0, [&](size_t task) {
      const size_t count = std::min(points_.size(), kFitted);
      const size_t begin = task * kColumns;
      const size_t width = std::min(kColumns, dimension() - begin);
      std::vector<float> values(width * count);
      for (size_t i = 0; i < count; ++i) {
        float row[kColumns];
        residuals_.Read(points_[i], begin, begin + width, row);
        for (size_t j = 0; j < width; ++j) {
          values[j * count + i] = row[j] - DecodedAt(i, begin + j);
        }
      }
      for (size_t j = 0; j < width; ++j) {
        columns_[begin + j] = FitColumn({values.data() + j * count, count});
      }
    });
  }

  // Element j of r̂.
  float DecodedAt(size_t i, size_t j) const {
    const auto& begins = version_.subspace_begins;
    const auto after = std::upper_bound(begins.begin(), begins.end(), static_cast<uint32_t>(j));
    const auto m = static_cast<size_t>(after - begins.begin()) - 1;
    return version_.codebooks[codes_[i * coder_.subspaces() + m] * dimension() + j];
  }

  void SetBits() {
    std::vector<ErrorsByBits> errors;
    for (const Column& column : columns_) errors.push_back(column.errors);
    const size_t bytes = version_.plane_b_bytes() - CorrectionBytes(version_.parameters.metric);
    version_.refine_bits = AllocateBits(errors, bytes * 8);
    for (size_t j = 0; j < dimension(); ++j) {
      const Range& range = columns_[j].ranges[version_.refine_bits[j]];
      version_.refine_min.push_back(range.min);
      version_.refine_scale.push_back(range.scale);
    }
  }

  bool MeasureRows() {
    std::vector<double> errors(points_.size());
    std::vector<float> corrections(points_.size());
    std::vector<double> lengths(points_.size());
    const PackedCoder packed(version_);
    const bool done = pace_.Run(chunks(), 0, [&](size_t chunk) {
      PackedCoder::Scratch scratch;
      std::vector<float> residual(dimension());
      std::vector<float> decoded(dimension());
      const size_t end = std::min(points_.size(), (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        residuals_.Read(points_[i], residual.data());
        coder_.Decode(&codes_[i * coder_.subspaces()], decoded.data());
        const float* centroid = residuals_.Centroid(points_[i]);
        const uint32_t bias = BiasCode(version_, BiasOf(centroid, decoded.data(), dimension()));
        const PlaneARow row{centroid, residual.data(), decoded.data(),
                            static_cast<uint16_t>(std::min(bias, kMaxBiasCode))};
        const PackedCoder::Measures measures = packed.Code(row, scratch);
        errors[i] = measures.error;
        corrections[i] = static_cast<float>(measures.correction);
        for (const float value : residual) lengths[i] += double{value} * value;
      }
    });
    if (!done) return false;
    SetRowRanges(errors, corrections, lengths);
    return true;
  }

  void SetRowRanges(std::span<double> errors, std::span<const float> corrections,
                    std::span<const double> lengths) {
    double mean_length = 0;
    for (const double length : lengths) mean_length += length;
    mean_length /= static_cast<double>(lengths.size());
    const auto kept =
        static_cast<std::ptrdiff_t>((errors.size() - 1) - (errors.size() - 1) / kPointsPerStray);
    std::nth_element(errors.begin(), errors.begin() + kept, errors.end());
    // Where the sample is coded without an error, what rounds alike must pass.
    version_.coding_error_max = static_cast<float>(
        std::max({kErrorMargin * errors[static_cast<size_t>(kept)], 1e-6 * mean_length, 1e-30}));
    if (CorrectionBytes(version_.parameters.metric) == 0) return;
    Extent extent;
    for (const float correction : corrections) extent.Take(correction);
    const float reach = std::max(std::abs(extent.least), std::abs(extent.most));
    const float margin = std::max(
        {kCorrectionMargin * extent.span(), 0.01f * reach, 1e-6f * version_.bias_scale, 1e-20f});
    version_.correction_min = extent.least - margin;
    version_.correction_scale =
        (extent.span() + 2 * margin) / static_cast<float>(kMaxCorrectionCode);
  }

  const TrainingResiduals& residuals_;
  Pace& pace_;
  IndexVersion& version_;
  const ProductCoder coder_;
  std::vector<uint32_t> points_;  // of the residuals, those that are no strays
  std::vector<uint8_t> codes_;    // of plane A
  std::vector<Column> columns_;
};

}  // namespace

std::vector<uint8_t> AllocateBits(std::span<const ErrorsByBits> errors, size_t total) {
  std::vector<uint8_t> bits(errors.size());
  for (; total > 0; --total) {
    size_t best = errors.size();
    double most = 0;
    for (size_t j = 0; j < errors.size(); ++j) {
      if (bits[j] == PackedLayout::kMostBits) continue;
      const double gain = errors[j][bits[j]] - errors[j][bits[j] + 1u];
      if (gain <= most) continue;
      most = gain;
      best = j;
    }
    if (best == errors.size()) break;
    ++bits[best];
  }
  return bits;
}

bool TrainPackedPlane(const TrainingResiduals& residuals, std::span<const uint8_t> is_stray,
                      Pace& pace, IndexVersion& version) {
  return PackedTraining(residuals, pace, version).Run(is_stray);
}

double TrainPackedPlaneWork(size_t points, const IndexParameters& parameters) {
  return AssignWork(std::min<size_t>(points, kCodebookPoints), kCodewords, parameters.dimension);
}

}  // namespace kith::index
