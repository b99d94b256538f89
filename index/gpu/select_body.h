#ifndef KITH_INDEX_GPU_SELECT_BODY_H_
#define KITH_INDEX_GPU_SELECT_BODY_H_

#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/portable.h"

namespace kith::index::gpu {

// Entries: what is ordered by above, what it belongs to below.
struct EntryKeys {
  const uint64_t* entries;
  template <class Warp>
  KITH_BODY typename Warp::U32 Load(Warp& warp, typename Warp::U32 at,
                                    typename Warp::Mask mask) const {
    return warp.HighOf(warp.LoadIf(mask, entries, at));
  }
};

// Signed scores, in the order of unsigned integers.
struct ScoreKeys {
  const int32_t* scores;
  template <class Warp>
  KITH_BODY typename Warp::U32 Load(Warp& warp, typename Warp::U32 at,
                                    typename Warp::Mask mask) const {
    const auto* bits = reinterpret_cast<const uint32_t*>(scores);
    return warp.LoadIf(mask, bits, at) ^ 0x80000000u;
  }
};

struct DigitPass {
  uint32_t prefix = 0;  // digits that are known
  uint32_t mask = 0;    // where they are
  uint32_t shift = 24;
};

// How many of the keys with the known digits have each next digit.
template <class Block, class Keys>
KITH_BODY void CountDigits(Block& block, const Keys& keys, uint32_t count, const DigitPass& pass,
                           const BlockScratch& scratch) {
  block.Phase([&](auto& warp) {
    for (uint32_t digit = warp.index() * kWarpLanes; digit < kDigits;
         digit += warp.count() * kWarpLanes) {
      warp.Store(scratch.histogram, warp.lane() + digit, warp.Zero());
    }
  });
  block.Phase([&](auto& warp) {
    for (uint32_t first = warp.index() * kWarpLanes; first < count;
         first += warp.count() * kWarpLanes) {
      const auto at = warp.lane() + first;
      const auto inside = at < count;
      const auto key = keys.Load(warp, at, inside);
      const auto counted = inside && (key & pass.mask) == pass.prefix;
      warp.AtomicIncrementIf(counted, scratch.histogram, key >> pass.shift & (kDigits - 1));
    }
  });
}

// The digit that the k-th smallest has, and how many keys lie below that digit.
template <class Block>
KITH_BODY void FindDigit(Block& block, uint32_t k, const BlockScratch& scratch) {
  constexpr uint32_t kOfLane = kDigits / kWarpLanes;
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    auto sum = warp.Zero();
    for (uint32_t i = 0; i < kOfLane; ++i) {
      sum = sum + warp.Load(scratch.histogram, warp.lane() * kOfLane + i);
    }
    const auto before = warp.SumBefore(sum);
    // One lane has it: what lies before its digits is below k, and with them it is not.
    auto below = before;
    for (uint32_t i = 0; i < kOfLane; ++i) {
      const auto here = warp.Load(scratch.histogram, warp.lane() * kOfLane + i);
      const auto found = below < k && below + here >= k;
      warp.StoreIf(found, &scratch.scalars->digit, warp.Zero(), warp.lane() * kOfLane + i);
      warp.StoreIf(found, &scratch.scalars->below, warp.Zero(), below);
      below = below + here;
    }
  });
}

// The k-th smallest (from 1) of `count` keys, k <= count: a byte at a time, from the highest.
template <class Block, class Keys>
KITH_BODY uint32_t SelectKth(Block& block, const Keys& keys, uint32_t count, uint32_t k,
                             const BlockScratch& scratch) {
  DigitPass pass;
  for (;; pass.shift -= 8) {
    CountDigits(block, keys, count, pass, scratch);
    FindDigit(block, k, scratch);
    const uint32_t digit = block.Read(scratch.scalars->digit);
    k -= block.Read(scratch.scalars->below);
    pass.prefix |= digit << pass.shift;
    pass.mask |= (kDigits - 1) << pass.shift;
    if (pass.shift == 0) return pass.prefix;
  }
}

// Sets the block's counter.
template <class Block>
KITH_BODY void SetCounter(Block& block, uint32_t value, const BlockScratch& scratch) {
  block.Phase([&](auto& warp) {
    if (warp.index() == 0) warp.StoreOne(&scratch.scalars->counter, value);
  });
}

// Copies the entries of at most `limit`, in any order, and gives their number.
template <class Block>
KITH_BODY uint32_t CopyAtMost(Block& block, const uint64_t* from, uint32_t count, uint32_t limit,
                              uint64_t* to, const BlockScratch& scratch) {
  SetCounter(block, 0, scratch);
  block.Phase([&](auto& warp) {
    for (uint32_t first = warp.index() * kWarpLanes; first < count;
         first += warp.count() * kWarpLanes) {
      const auto at = warp.lane() + first;
      const auto inside = at < count;
      const auto entry = warp.LoadIf(inside, from, at);
      const auto kept = inside && warp.HighOf(entry) <= limit;
      if (!warp.Any(kept)) continue;
      const uint32_t begin = warp.AtomicAdd(&scratch.scalars->counter, warp.CountOf(kept));
      warp.StoreIf(kept, to, warp.RankIn(kept) + begin, entry);
    }
  });
  return block.Read(scratch.scalars->counter);
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_SELECT_BODY_H_
