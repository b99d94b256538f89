#include <cstddef>
#include <cstdint>

#include "index/kernels/kernel_table.h"
#include "index/kernels/kernels_isa.h"

#define KITH_INLINE inline __attribute__((always_inline))

namespace kith::index {
namespace {

constexpr size_t kWidth = 4;
typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(1), may_alias));
typedef Quad Vec;

// The exponent is moved by a multiplication, which also straightens out subnormals; what was
// infinite or not a number comes out at 2^16 or above and gets the float's highest exponent.
float HalfToFloat(uint16_t half) {
  const uint32_t magnitude = static_cast<uint32_t>(half & 0x7fff) << 13;
  float value;
  __builtin_memcpy(&value, &magnitude, 4);
  value *= 0x1p112f;
  uint32_t bits;
  __builtin_memcpy(&bits, &value, 4);
  if (value >= 65536.0f) bits |= 0x7f800000u;
  bits |= static_cast<uint32_t>(half & 0x8000) << 16;
  __builtin_memcpy(&value, &bits, 4);
  return value;
}

KITH_INLINE Vec HalvesToFloats(const uint16_t* at) {
  Vec values;
  for (size_t i = 0; i < kWidth; ++i) {
    uint16_t half;
    __builtin_memcpy(&half, at + i, 2);
    values[i] = HalfToFloat(half);
  }
  return values;
}

KITH_INLINE Vec LoadPart(const float* at, size_t count) {
  Vec values = {};
  for (size_t i = 0; i < count; ++i) {
    float value;
    __builtin_memcpy(&value, at + i, 4);
    values[i] = value;
  }
  return values;
}

KITH_INLINE Quad FoldLanes(const Vec* lanes) {
  return (lanes[0] + lanes[2]) + (lanes[1] + lanes[3]);
}

KITH_INLINE void TurnCodewords(const float* rows, size_t n, Vec* column) {
  Vec row[4];
  for (size_t i = 0; i < 4; ++i) row[i] = *reinterpret_cast<const LooseQuad*>(rows + i * n);
  const Vec a = __builtin_shufflevector(row[0], row[1], 0, 4, 1, 5);
  const Vec b = __builtin_shufflevector(row[2], row[3], 0, 4, 1, 5);
  const Vec c = __builtin_shufflevector(row[0], row[1], 2, 6, 3, 7);
  const Vec d = __builtin_shufflevector(row[2], row[3], 2, 6, 3, 7);
  column[0] = __builtin_shufflevector(a, b, 0, 1, 4, 5);
  column[1] = __builtin_shufflevector(a, b, 2, 3, 6, 7);
  column[2] = __builtin_shufflevector(c, d, 0, 1, 4, 5);
  column[3] = __builtin_shufflevector(c, d, 2, 3, 6, 7);
}

#include "index/kernels/portable_kernels.inc"

constexpr KernelTable kTable = MakeTable("portable");

}  // namespace

const KernelTable* PortableKernelTable() { return &kTable; }

}  // namespace kith::index
