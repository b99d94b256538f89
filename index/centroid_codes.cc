#include "index/centroid_codes.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace kith::index {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
constexpr int kMiddle = 128;  // a point's code is its byte less this

}  // namespace

CentroidCodes::CentroidCodes(const Matrix& centroids, const ByteRange& range) : range_(range) {
  const size_t panels = (centroids.count + BytePanels::kLanes - 1) / BytePanels::kLanes;
  // Padding adds nothing to its bias, which is never the least.
  bytes_.resize(panels * BytePanels::kLanes * width(), 0);
  distance_bias_.assign(panels * BytePanels::kLanes, kNever);
  product_bias_.assign(panels * BytePanels::kLanes, kNever);
  odd_norms_.resize(centroids.count);
  for (size_t i = 0; i < centroids.count; ++i) {
    uint8_t* lane = bytes_.data() + i / BytePanels::kLanes * BytePanels::kLanes * width() +
                    i % BytePanels::kLanes * 4;
    int64_t squares = 0;
    int64_t sum = 0;
    for (size_t j = 0; j < dimension(); ++j) {
      const int code = range_.Byte(centroids.Row(i)[j], j);
      lane[j / 4 * 4 * BytePanels::kLanes + j % 4] = static_cast<uint8_t>(255 - code);
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
  return {bytes_.data(), bias.data(), bias.size() / BytePanels::kLanes, width()};
}

bool CentroidCodes::EncodePoint(const float* point, int8_t* code) const {
  range_.Encode(point, code);
  if (!exact()) return false;
  int different = 0;
  for (size_t j = 0; j < dimension(); ++j) {
    different += static_cast<float>(code[j] + kMiddle) != point[j];
  }
  return different == 0;
}

void CentroidCodes::EncodeDirection(const float* vector, int8_t* code) const {
  float most = 0;
  for (size_t j = 0; j < dimension(); ++j) most = std::max(most, std::abs(vector[j]));
  const float factor = most > 0 && std::isfinite(127 / most) ? 127 / most : 0;
  for (size_t j = 0; j < dimension(); ++j) {
    const float scaled = vector[j] * factor;
    code[j] = static_cast<int8_t>(scaled + (scaled < 0 ? -0.5f : 0.5f));
  }
  std::fill(code + dimension(), code + width(), int8_t{0});
}

int64_t CentroidCodes::DistanceOffset(const int8_t* code) const {
  int64_t squares = 0;
  int64_t sum = 0;
  for (size_t j = 0; j < dimension(); ++j) {
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
