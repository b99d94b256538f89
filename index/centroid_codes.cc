#include "index/centroid_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kith::index {
namespace {

constexpr size_t kLanes = BytePanels::kLanes;
constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
constexpr int kMiddle = 128;  // a point's code is its byte less this

bool IsByte(float value) { return value >= 0 && value <= 255 && value == std::floor(value); }

}  // namespace

CentroidCodes::CentroidCodes(const Matrix& centroids)
    : dimension_(centroids.dimension), width_((centroids.dimension + 3) / 4 * 4) {
  FitRange(centroids);
  Pack(centroids);
}

void CentroidCodes::FitRange(const Matrix& centroids) {
  const float* begin = centroids.rows;
  exact_ = std::all_of(begin, begin + centroids.count * dimension_, IsByte);
  low_.assign(dimension_, 0);
  if (exact_) return;
  std::copy_n(begin, dimension_, low_.begin());
  std::vector<float> high = low_;
  for (size_t i = 1; i < centroids.count; ++i) {
    for (size_t j = 0; j < dimension_; ++j) {
      low_[j] = std::min(low_[j], centroids.Row(i)[j]);
      high[j] = std::max(high[j], centroids.Row(i)[j]);
    }
  }
  float widest = 0;
  for (size_t j = 0; j < dimension_; ++j) widest = std::max(widest, high[j] - low_[j]);
  // Of a single centroid, or equal ones, any step will do.
  inverse_step_ = widest > 0 && std::isfinite(widest) ? 255 / widest : 1;
}

uint8_t CentroidCodes::Code(float value, size_t j) const {
  const float code = (value - low_[j]) * inverse_step_ + 0.5f;
  if (!(code > 0)) return 0;  // nor where it is not a number
  return static_cast<uint8_t>(std::min(code, 255.0f));
}

void CentroidCodes::Pack(const Matrix& centroids) {
  const size_t panels = (centroids.count + kLanes - 1) / kLanes;
  bytes_.resize(panels * kLanes * width_, 255);
  distance_bias_.assign(panels * kLanes, kNever);
  product_bias_.assign(panels * kLanes, kNever);
  odd_norms_.resize(centroids.count);
  for (size_t i = 0; i < centroids.count; ++i) {
    uint8_t* lane = bytes_.data() + i / kLanes * kLanes * width_ + i % kLanes * 4;
    int64_t squares = 0;
    int64_t sum = 0;
    for (size_t j = 0; j < dimension_; ++j) {
      const int code = Code(centroids.Row(i)[j], j);
      lane[j / 4 * 4 * kLanes + j % 4] = static_cast<uint8_t>(255 - code);
      squares += code * code;
      sum += code;
    }
    // Half of ||code||² - 2 <code, point>, but for what is the same for all centroids.
    distance_bias_[i] = static_cast<int32_t>(squares / 2 - kMiddle * sum);
    product_bias_[i] = 0;
    odd_norms_[i] = squares & 1;
  }
}

BytePanels CentroidCodes::Panels(const std::vector<int32_t>& bias) const {
  return {bytes_.data(), bias.data(), bias.size() / kLanes, width_};
}

bool CentroidCodes::EncodePoint(const float* point, int8_t* code) const {
  int different = 0;
  for (size_t j = 0; j < dimension_; ++j) {
    const int byte = Code(point[j], j);
    code[j] = static_cast<int8_t>(byte - kMiddle);
    different += static_cast<float>(byte) != point[j];
  }
  std::fill(code + dimension_, code + width_, int8_t{0});
  return different == 0;
}

void CentroidCodes::EncodeDirection(const float* vector, int8_t* code) const {
  float most = 0;
  for (size_t j = 0; j < dimension_; ++j) most = std::max(most, std::abs(vector[j]));
  const float factor = most > 0 && std::isfinite(127 / most) ? 127 / most : 0;
  for (size_t j = 0; j < dimension_; ++j) {
    const float scaled = vector[j] * factor;
    code[j] = static_cast<int8_t>(scaled + (scaled < 0 ? -0.5f : 0.5f));
  }
  std::fill(code + dimension_, code + width_, int8_t{0});
}

int64_t CentroidCodes::DistanceOffset(const int8_t* code) const {
  int64_t squares = 0;
  int64_t sum = 0;
  for (size_t j = 0; j < dimension_; ++j) {
    const int64_t byte = code[j] + kMiddle;
    squares += byte * byte;
    sum += code[j];
  }
  return squares - 2 * 255 * sum;
}

uint64_t CentroidCodes::memory_bytes() const {
  return bytes_.size() + odd_norms_.size() +
         (distance_bias_.size() + product_bias_.size()) * sizeof(int32_t);
}

}  // namespace kith::index
