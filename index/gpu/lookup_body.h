#ifndef KITH_INDEX_GPU_LOOKUP_BODY_H_
#define KITH_INDEX_GPU_LOOKUP_BODY_H_

#include <cstdint>

#include "index/gpu/portable.h"
#include "index/gpu/scan_shape.h"

namespace kith::index::gpu {

// The codes of a group, a vector a lane.
template <class Warp, uint32_t kParts, uint32_t kWords>
struct GroupCodes {
  typename Warp::U32 words[kParts * kWords];
};

template <class Warp, uint32_t kParts, uint32_t kWords>
KITH_BODY void LoadGroup(Warp& warp, const uint32_t* group,
                         GroupCodes<Warp, kParts, kWords>& codes) {
  KITH_UNROLL
  for (uint32_t part = 0; part < kParts; ++part) {
    auto* words = codes.words + part * kWords;
    const uint32_t* at = group + part * kWords * kGroupVectors;
    constexpr uint32_t kQuads = kWords / 4 * 4;
    constexpr uint32_t kPairs = kQuads + (kWords - kQuads) / 2 * 2;
    KITH_UNROLL
    for (uint32_t quad = 0; quad != kQuads / 4; ++quad) {
      warp.template StreamWords<4>(at + quad * 4 * kGroupVectors, words + quad * 4);
    }
    if constexpr (kPairs > kQuads) {
      warp.template StreamWords<2>(at + kQuads * kGroupVectors, words + kQuads);
    }
    if constexpr (kWords > kPairs) {
      warp.template StreamWords<1>(at + kPairs * kGroupVectors, words + kPairs);
    }
  }
}

// The sum of each lane's table entries. An entry holds two queries' bytes, one in each half of the
// word; no half overflows, as 64 * 255 < 65,536.
//
// The address of step t is `code << 8 | lane << 2`, one byte permutation, and a constant 4 * t: at
// each step the warp reads 32 neighbouring words of 32 rows, so no two lanes share a bank.
template <class Warp, uint32_t kParts, uint32_t kWords>
KITH_BODY typename Warp::U32 SumLookups(Warp& warp, const uint32_t* table,
                                        const GroupCodes<Warp, kParts, kWords>& codes) {
  static_assert(kTableStride * sizeof(uint32_t) == 256, "a row is what a shift by a byte skips");
  const auto lane_bytes = warp.lane() * 4u;
  typename Warp::U32 sum = warp.Zero();
  KITH_UNROLL
  for (uint32_t part = 0; part < kParts; ++part) {
    const uint32_t* of_part = table + part * kCodes * kTableStride;
    KITH_UNROLL
    for (uint32_t word = 0; word < kWords; ++word) {
      const auto four = codes.words[part * kWords + word];
      const uint32_t step = word * 4;
      // Selector: byte 0 of lane_bytes, byte b of the codes, zeros.
      const auto a = warp.LoadTable(of_part, warp.BytePermute(four, lane_bytes, 0x5504), step);
      const auto b = warp.LoadTable(of_part, warp.BytePermute(four, lane_bytes, 0x5514), step + 1);
      const auto c = warp.LoadTable(of_part, warp.BytePermute(four, lane_bytes, 0x5524), step + 2);
      const auto d = warp.LoadTable(of_part, warp.BytePermute(four, lane_bytes, 0x5534), step + 3);
      sum = sum + a + b;
      sum = sum + c + d;
    }
  }
  return sum;
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_LOOKUP_BODY_H_
