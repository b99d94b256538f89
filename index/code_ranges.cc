#include "index/code_ranges.h"

#include <algorithm>
#include <cmath>

namespace kith::index {
namespace {

// Of the span, at either end: for points that come later. It costs plane B half a bit, and leaves
// fewer than one in 10,000 of fresh SIFT, normal or uniform points outside the ranges of a sample.
constexpr float kMargin = 0.2f;

struct Range {
  float min;
  float scale;
};

// `floor` keeps a margin where the sample did not vary at all.
Range Widened(const Extent& extent, float floor, uint32_t max_code) {
  const float margin = std::max(kMargin * extent.span(), floor);
  return {extent.least - margin, (extent.span() + 2 * margin) / static_cast<float>(max_code)};
}

}  // namespace

void Extent::Take(float value) {
  least = empty ? value : std::min(least, value);
  most = empty ? value : std::max(most, value);
  empty = false;
}

void Extent::Take(const Extent& other) {
  if (other.empty) return;
  Take(other.least);
  Take(other.most);
}

void SampleExtents::Take(const SampleExtents& other) {
  bias.Take(other.bias);
  for (size_t j = 0; j < residual.size(); ++j) residual[j].Take(other.residual[j]);
}

void SetCodeRanges(const SampleExtents& extents, IndexVersion& version) {
  // Far below any code step that matters, yet a step that floats near the extent can tell apart.
  constexpr float kSmallest = 1e-20f;
  if (version.parameters.metric != Metric::kInnerProduct) {
    const float reach = std::max(std::abs(extents.bias.least), std::abs(extents.bias.most));
    const Range range = Widened(extents.bias, std::max(0.01f * reach, kSmallest), kMaxBiasCode);
    version.bias_min = range.min;
    version.bias_scale = range.scale;
  }
  if (version.parameters.plane_b != PlaneB::kResidual) return;
  float mean_span = 0;
  for (const Extent& extent : extents.residual) mean_span += extent.span();
  mean_span /= static_cast<float>(extents.residual.size());
  for (const Extent& extent : extents.residual) {
    const float reach = std::max(std::abs(extent.least), std::abs(extent.most));
    const float floor = std::max({0.05f * mean_span, 1e-4f * reach, kSmallest});
    const Range range = Widened(extent, floor, kMaxRefineCode);
    version.refine_min.push_back(range.min);
    version.refine_scale.push_back(range.scale);
  }
}

uint32_t BiasCode(const IndexVersion& version, double bias) {
  if (version.parameters.metric == Metric::kInnerProduct) return 0;
  const double code = std::floor((bias - version.bias_min) / version.bias_scale + 0.5);
  return code >= 0 && code <= kMaxBiasCode ? static_cast<uint32_t>(code) : kMaxBiasCode + 1;
}

}  // namespace kith::index
