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

typedef uint8_t Bytes __attribute__((vector_size(16)));
typedef uint16_t Halves __attribute__((vector_size(16)));
typedef uint32_t Words __attribute__((vector_size(16)));
typedef int32_t Ints __attribute__((vector_size(16)));
typedef uint64_t Longs __attribute__((vector_size(16)));

// Widens the low four halves.
KITH_INLINE Words WidenHalves(Halves halves) {
  return reinterpret_cast<Words>(
      __builtin_shufflevector(halves, Halves{}, 0, 8, 1, 9, 2, 10, 3, 11));
}

// The exponent is moved by a multiplication, which also straightens out subnormals; what was
// infinite or not a number comes out at 2^16 or above and gets the float's highest exponent.
KITH_INLINE Vec HalvesToFloats(const uint16_t* at) {
  uint64_t four;
  __builtin_memcpy(&four, at, 8);
  const Words words = WidenHalves(reinterpret_cast<Halves>(Longs{four, 0}));
  const Vec value = reinterpret_cast<Vec>((words & 0x7fff) << 13) * 0x1p112f;
  const Words endless = reinterpret_cast<Words>(value >= 65536.0f) & 0x7f800000u;
  return reinterpret_cast<Vec>(reinterpret_cast<Words>(value) | endless | (words & 0x8000) << 16);
}

KITH_INLINE Vec BytesToFloats(const uint8_t* at) {
  uint32_t four;
  __builtin_memcpy(&four, at, 4);
  const auto halves = reinterpret_cast<Halves>(
      __builtin_shufflevector(reinterpret_cast<Bytes>(Words{four, 0, 0, 0}), Bytes{}, 0, 16, 1, 17,
                              2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23));
  return __builtin_convertvector(reinterpret_cast<Ints>(WidenHalves(halves)), Vec);
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

class PackedGroup {
 public:
  KITH_INLINE PackedGroup(const PackedCodes& codes, size_t j)
      : pairs_(codes.pairs + j), shifts_(codes.shifts + j), masks_(codes.masks + j) {}

  KITH_INLINE Vec Floats(const uint8_t* row) const {
    Vec values;
    for (size_t i = 0; i < kWidth; ++i) {
      const uint8_t* at = row + pairs_[i];
      const int32_t pair = at[0] | at[1] << 8;
      values[i] = static_cast<float>(pair >> shifts_[i] & masks_[i]);
    }
    return values;
  }

 private:
  const uint16_t* pairs_;
  const uint16_t* shifts_;
  const uint16_t* masks_;
};

#include "index/kernels/portable_kernels.inc"
// The second needs what the first defines.
#include "index/kernels/portable_byte_kernels.inc"

constexpr KernelTable kTable = MakeTable("portable");

}  // namespace

const KernelTable* PortableKernelTable() { return &kTable; }

}  // namespace kith::index
