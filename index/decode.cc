#include "index/decode.h"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace kith::index {
namespace {

float HalfToFloat(uint16_t half) {
  // Moves the exponent by a multiplication, which also straightens out subnormals.
  float value = std::bit_cast<float>(static_cast<uint32_t>(half & 0x7fff) << 13) * 0x1p112f;
  uint32_t bits = std::bit_cast<uint32_t>(value);
  if (value >= 65536.0f) bits |= 0x7f800000u;
  return std::bit_cast<float>(bits | static_cast<uint32_t>(half & 0x8000) << 16);
}

template <class Element>
Element ElementAt(const void* vector, size_t i) {
  Element element;
  std::memcpy(&element, static_cast<const char*>(vector) + i * sizeof(Element), sizeof(Element));
  return element;
}

}  // namespace

void DecodeVector(ElementType type, const void* vector, size_t n, float scale, float* out) {
  switch (type) {
    case ElementType::kF32:
      for (size_t i = 0; i < n; ++i) out[i] = ElementAt<float>(vector, i) * scale;
      return;
    case ElementType::kF16:
      for (size_t i = 0; i < n; ++i) out[i] = HalfToFloat(ElementAt<uint16_t>(vector, i)) * scale;
      return;
    case ElementType::kU8:
      for (size_t i = 0; i < n; ++i) out[i] = ElementAt<uint8_t>(vector, i) * scale;
      return;
  }
}

float InverseNorm(const float* vector, size_t n) {
  double sum = 0;
  for (size_t i = 0; i < n; ++i) sum += double{vector[i]} * vector[i];
  return sum > 0 ? static_cast<float>(1 / std::sqrt(sum)) : 0;
}

}  // namespace kith::index
