#include "index/decode.h"

#include <cmath>
#include <cstdint>
#include <cstring>

#include "common/vector/half.h"

namespace kith::index {
namespace {

struct Half {
  uint16_t bits;
  operator float() const { return HalfToFloat(bits); }
};

template <class Element>
float ElementAt(const void* elements, size_t i) {
  Element element;
  std::memcpy(&element, static_cast<const char*>(elements) + i * sizeof(Element), sizeof(Element));
  return static_cast<float>(element);
}

template <class Element>
void Scale(const StoredVector& vector, float scale, float* out) {
  for (size_t i = 0; i < vector.dimension; ++i) {
    out[i] = ElementAt<Element>(vector.elements, i) * scale;
  }
}

template <class Element>
double SumOfSquares(const StoredVector& vector) {
  constexpr size_t kLanes = 16;
  double lane[kLanes] = {};
  const auto add = [&](size_t begin, size_t count) {
    for (size_t i = 0; i < count; ++i) {
      const double value = ElementAt<Element>(vector.elements, begin + i);
      lane[i] += value * value;
    }
  };
  size_t begin = 0;
  for (; begin + kLanes <= vector.dimension; begin += kLanes) add(begin, kLanes);
  add(begin, vector.dimension - begin);
  double t[4];
  for (size_t i = 0; i < 4; ++i) t[i] = (lane[i] + lane[i + 8]) + (lane[i + 4] + lane[i + 12]);
  return (t[0] + t[2]) + (t[1] + t[3]);
}

}  // namespace

void DecodeVector(const StoredVector& vector, float scale, float* out) {
  switch (vector.type) {
    case ElementType::kF32:
      return Scale<float>(vector, scale, out);
    case ElementType::kF16:
      return Scale<Half>(vector, scale, out);
    case ElementType::kU8:
      return Scale<uint8_t>(vector, scale, out);
  }
}

double SquaredLength(const StoredVector& vector) {
  switch (vector.type) {
    case ElementType::kF32:
      return SumOfSquares<float>(vector);
    case ElementType::kF16:
      return SumOfSquares<Half>(vector);
    case ElementType::kU8:
      return SumOfSquares<uint8_t>(vector);
  }
  return 0;
}

float InverseNorm(const StoredVector& vector) {
  const double squares = SquaredLength(vector);
  if (!(squares > 0)) return 0;
  const auto inverse = static_cast<float>(1 / std::sqrt(squares));
  return std::isfinite(inverse) ? inverse : 0;
}

}  // namespace kith::index
