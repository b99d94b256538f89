#ifndef KITH_INDEX_GPU_SORT_BODY_H_
#define KITH_INDEX_GPU_SORT_BODY_H_

#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/portable.h"

namespace kith::index::gpu {

KITH_ANYWHERE uint32_t PowerOfTwoFrom(uint32_t count) {
  uint32_t power = 1;
  while (power < count) power *= 2;
  return power;
}

// Sorts `count` entries ascending, as a bitonic network does (Batcher, 1968). There is room for the
// next power of two of them, which is overwritten. Entries of equal order are told apart by what
// stands below, so that the result does not depend on the order they came in.
template <class Block>
KITH_BODY void SortEntries(Block& block, uint64_t* entries, uint32_t count) {
  const uint32_t size = PowerOfTwoFrom(count);
  block.Phase([&](auto& warp) {
    for (uint32_t first = count + warp.index() * kWarpLanes; first < size;
         first += warp.count() * kWarpLanes) {
      const auto at = warp.lane() + first;
      warp.StoreIf(at < size, entries, at, warp.AllOnes64());
    }
  });
  for (uint32_t run = 2; run <= size; run *= 2) {
    for (uint32_t stride = run / 2; stride > 0; stride /= 2) {
      block.Phase([&](auto& warp) {
        for (uint32_t first = warp.index() * kWarpLanes; first < size / 2;
             first += warp.count() * kWarpLanes) {
          const auto pair = warp.lane() + first;
          const auto low = pair / stride * (2 * stride) + pair % stride;
          const auto inside = pair < size / 2;
          const auto a = warp.LoadIf(inside, entries, low);
          const auto b = warp.LoadIf(inside, entries, low + stride);
          const auto swaps = inside && ((a > b) == ((low & run) == 0u)) && a != b;
          warp.StoreIf(swaps, entries, low, b);
          warp.StoreIf(swaps, entries, low + stride, a);
        }
      });
    }
  }
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_SORT_BODY_H_
