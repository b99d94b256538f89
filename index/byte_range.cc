#include "index/byte_range.h"

#include <algorithm>
#include <cmath>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

// One in so many values at either end has no say in the range, which reaches half the span of the
// others beyond them: of normal values 4.3 standard deviations.
constexpr size_t kPerOutlier = 64;

bool IsByte(float value) { return value >= 0 && value <= 255 && value == std::floor(value); }

struct Reach {
  float low;
  float high;
};

// Reorders `values`.
Reach ReachOf(std::vector<float>& values) {
  const auto tail = static_cast<std::ptrdiff_t>(values.size() / kPerOutlier);
  const auto low = values.begin() + tail;
  const auto high = values.end() - 1 - tail;
  std::nth_element(values.begin(), low, values.end());
  const float middle_low = *low;
  const float least = *std::min_element(values.begin(), low + 1);
  std::nth_element(low, high, values.end());
  const float middle_high = *high;
  const float most = *std::max_element(high, values.end());
  // Where nearly all are equal, the others are all there is to tell apart.
  if (middle_low == middle_high) return {least, most};
  const float margin = (middle_high - middle_low) / 2;
  return {std::max(least, middle_low - margin), std::min(most, middle_high + margin)};
}

}  // namespace

ByteRange ByteRange::OfBytes(size_t dimension) {
  ByteRange range;
  range.exact_ = true;
  range.low_.assign(dimension, 0);
  range.SetStep(1);
  return range;
}

ByteRange ByteRange::Fit(const Matrix& rows) { return FitWithMargin(rows, 0); }

ByteRange ByteRange::FitAround(const Matrix& centroids) {
  // Of the span, at either end. A point that is cut to the border is pulled to the centroids there.
  constexpr float kMargin = 0.4f;
  return FitWithMargin(centroids, kMargin);
}

ByteRange ByteRange::FitWithMargin(const Matrix& rows, float margin) {
  const size_t n = rows.dimension;
  if (std::all_of(rows.rows, rows.rows + rows.count * n, IsByte)) return OfBytes(n);
  ByteRange range;
  std::vector<float> values(rows.count);
  float widest = 0;
  for (size_t j = 0; j < n; ++j) {
    for (size_t i = 0; i < rows.count; ++i) values[i] = rows.Row(i)[j];
    const Reach reach = ReachOf(values);
    const float span = reach.high - reach.low;
    range.low_.push_back(reach.low - margin * span);
    widest = std::max(widest, span + 2 * margin * span);
  }
  // Of a single row, or equal ones, any step will do.
  range.SetStep(widest > 0 && std::isfinite(widest) ? widest / 255 : 1);
  return range;
}

void ByteRange::SetStep(float step) {
  // Too small a step has no inverse.
  step_ = std::max(step, 1e-30f);
  inverse_step_.assign(low_.size(), 1 / step_);
}

uint8_t ByteRange::Byte(float value, size_t j) const {
  const float byte = (value - low_[j]) * inverse_step_[j] + 0.5f;
  if (!(byte > 0)) return 0;  // nor where it is not a number
  return static_cast<uint8_t>(std::min(byte, 255.0f));
}

void ByteRange::Encode(const float* row, int8_t* code) const {
  ActiveKernels().byte_codes(row, low_.data(), inverse_step_.data(), dimension(), code);
  std::fill(code + dimension(), code + width(), int8_t{0});
}

}  // namespace kith::index
