#include "index/sample_ranges.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "index/assign.h"
#include "index/code_ranges.h"
#include "index/packed_training.h"
#include "index/plan.h"
#include "index/product_code.h"

namespace kith::index {
namespace {

constexpr size_t kChunk = 1024;  // points a task
constexpr size_t kColumns = 16;  // dimensions a task: a cache line of each row
// Spans beyond the middle from which on a point is a stray. Of normal values three spans are 18
// standard deviations, of values whose frequency falls off exponentially all but 1e-14 lie within;
// biases have 256 times the codes of plane B and can be coded farther out.
constexpr float kStrayResidual = 3;
constexpr float kStrayBias = 16;
// Spans beyond the middle that are coded whatever the sample holds, besides the margin of
// SetCodeRanges: six standard deviations in all, where a small sample reaches to three.
constexpr float kReach = 0.35f;

class Measurement {
 public:
  Measurement(const TrainingResiduals& residuals, Pace& pace, IndexVersion& version)
      : residuals_(residuals), pace_(pace), version_(version) {}

  bool Run() {
    if (has_bias() && !MeasureBiases()) return false;
    if (has_refine() && !MeasureMiddles()) return false;
    if (!MeasureExcess()) return false;
    DropStrays();
    if (!TakeExtents()) return false;
    if (version_.parameters.plane_b != PlaneB::kPackedResidual) return true;
    return TrainPackedPlane(residuals_, is_stray_, pace_, version_);
  }

 private:
  bool has_bias() const { return version_.parameters.metric != Metric::kInnerProduct; }
  bool has_refine() const { return version_.parameters.plane_b != PlaneB::kRawU8; }
  size_t dimension() const { return residuals_.dimension(); }
  size_t chunks() const { return (residuals_.count() + kChunk - 1) / kChunk; }

  // work(point, its residual, chunk) for every point.
  template <class Work>
  bool ForEachPoint(const Work& work) {
    return pace_.Run(chunks(), 0, [&](size_t chunk) {
      std::vector<float> residual(dimension());
      const size_t end = std::min(residuals_.count(), (chunk + 1) * kChunk);
      for (size_t i = chunk * kChunk; i < end; ++i) {
        residuals_.Read(i, residual.data());
        work(i, residual.data(), chunk);
      }
    });
  }

  bool MeasureBiases() {
    const ProductCoder coder(version_.codebooks, version_.subspace_begins);
    coded_bias_.resize(residuals_.count());
    exact_bias_.resize(residuals_.count());
    const double work = AssignWork(kChunk, kCodewords, dimension());
    return pace_.Run(chunks(), work, [&](size_t chunk) {
      const size_t n = dimension();
      const size_t begin = chunk * kChunk;
      const size_t count = std::min(kChunk, residuals_.count() - begin);
      std::vector<float> residuals(count * n);
      for (size_t i = 0; i < count; ++i) residuals_.Read(begin + i, &residuals[i * n]);
      std::vector<uint8_t> codes(count * coder.subspaces());
      ProductCoder::Scratch scratch;
      coder.Encode({residuals.data(), count, n}, codes.data(), scratch);
      std::vector<float> decoded(n);
      for (size_t i = 0; i < count; ++i) {
        const float* centroid = residuals_.Centroid(begin + i);
        coder.Decode(&codes[i * coder.subspaces()], decoded.data());
        coded_bias_[begin + i] = static_cast<float>(BiasOf(centroid, decoded.data(), n));
        exact_bias_[begin + i] = static_cast<float>(BiasOf(centroid, &residuals[i * n], n));
      }
    });
  }

  // Of each dimension, by a first part of the sample: it is in random order.
  bool MeasureMiddles() {
    const size_t count = std::min<size_t>(residuals_.count(), kCodebookPoints);
    middles_.resize(dimension());
    return pace_.Run((dimension() + kColumns - 1) / kColumns, 0, [&](size_t task) {
      const size_t begin = task * kColumns;
      const size_t columns = std::min(kColumns, dimension() - begin);
      std::vector<float> values(columns * count);
      for (size_t i = 0; i < count; ++i) {
        float row[kColumns];
        residuals_.Read(i, begin, begin + columns, row);
        for (size_t j = 0; j < columns; ++j) values[j * count + i] = row[j];
      }
      for (size_t j = 0; j < columns; ++j) {
        middles_[begin + j] = MiddleOf({values.data() + j * count, count});
      }
    });
  }

  // How many times too far out each point lies in the dimension, or the bias, where it is farthest;
  // up to 1 it belongs.
  bool MeasureExcess() {
    excess_.assign(residuals_.count(), 0);
    if (has_bias()) {
      for (const std::vector<float>* biases : {&coded_bias_, &exact_bias_}) {
        std::vector<float> copy = *biases;
        const Middle middle = MiddleOf(copy);
        Reach(middle, bias_);
        for (size_t i = 0; i < excess_.size(); ++i) {
          excess_[i] = std::max(excess_[i], middle.Excess((*biases)[i], 0) / kStrayBias);
        }
      }
    }
    if (!has_refine()) return true;
    float least_span = 0;
    for (const Middle& middle : middles_) {
      least_span += middle.span() / static_cast<float>(20 * dimension());
    }
    return ForEachPoint([&](size_t i, const float* residual, size_t) {
      for (size_t j = 0; j < dimension(); ++j) {
        const float excess = middles_[j].Excess(residual[j], least_span);
        excess_[i] = std::max(excess_[i], excess / kStrayResidual);
      }
    });
  }

  // Where more lie outside than strays may, the nearest ones are taken as belonging.
  void DropStrays() {
    std::vector<std::pair<float, uint32_t>> outside;  // farthest first
    for (uint32_t i = 0; i < excess_.size(); ++i) {
      if (excess_[i] > 1) outside.push_back({-excess_[i], i});
    }
    std::sort(outside.begin(), outside.end());
    outside.resize(std::min(outside.size(), residuals_.count() / kPointsPerStray));
    is_stray_.assign(residuals_.count(), 0);
    for (const auto& [excess, point] : outside) is_stray_[point] = 1;
  }

  bool TakeExtents() {
    std::vector<SampleExtents> extents(chunks(), SampleExtents(version_.dimension()));
    extents[0].bias = bias_;
    for (size_t j = 0; j < middles_.size(); ++j) Reach(middles_[j], extents[0].residual[j]);
    const bool done = ForEachPoint([&](size_t i, const float* residual, size_t chunk) {
      if (is_stray_[i] != 0) return;
      SampleExtents& of_chunk = extents[chunk];
      if (has_bias()) {
        of_chunk.bias.Take(coded_bias_[i]);
        of_chunk.bias.Take(exact_bias_[i]);
      }
      if (!has_refine()) return;
      for (size_t j = 0; j < dimension(); ++j) of_chunk.residual[j].Take(residual[j]);
    });
    if (!done) return false;
    for (size_t chunk = 1; chunk < extents.size(); ++chunk) extents[0].Take(extents[chunk]);
    SetCodeRanges(extents[0], version_);
    return true;
  }

  static void Reach(const Middle& middle, Extent& extent) {
    extent.Take(middle.least - kReach * middle.span());
    extent.Take(middle.most + kReach * middle.span());
  }

  const TrainingResiduals& residuals_;
  Pace& pace_;
  IndexVersion& version_;
  std::vector<float> coded_bias_;  // of r̂
  std::vector<float> exact_bias_;  // of r: the encoder asks that it fits too
  Extent bias_;
  std::vector<Middle> middles_;  // of each dimension
  std::vector<float> excess_;
  std::vector<uint8_t> is_stray_;
};

}  // namespace

float Middle::Excess(float value, float least_span) const {
  const float outside = std::max(value - most, least - value);
  // Where nothing varies, what differs at all is infinitely far outside.
  return outside <= 0 ? 0 : outside / std::max(span(), least_span);
}

Middle MiddleOf(std::span<float> values) {
  const auto tail = static_cast<std::ptrdiff_t>(values.size() / 200);
  const auto low = values.begin() + tail;
  std::nth_element(values.begin(), low, values.end());
  const float least = *low;
  const auto high = values.end() - 1 - tail;
  std::nth_element(low, high, values.end());
  return {least, *high};
}

bool MeasureRanges(const TrainingResiduals& residuals, Pace& pace, IndexVersion& version) {
  return Measurement(residuals, pace, version).Run();
}

double MeasureRangesWork(size_t points, const IndexParameters& parameters) {
  const double packed =
      parameters.plane_b == PlaneB::kPackedResidual ? TrainPackedPlaneWork(points, parameters) : 0;
  if (parameters.metric == Metric::kInnerProduct) return packed;
  return AssignWork(points, kCodewords, parameters.dimension) + packed;
}

}  // namespace kith::index
