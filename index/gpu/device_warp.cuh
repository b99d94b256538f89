#ifndef KITH_INDEX_GPU_DEVICE_WARP_CUH_
#define KITH_INDEX_GPU_DEVICE_WARP_CUH_

#include <cuda_runtime.h>

#include <cstdint>

#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"
#include "index/gpu/scan_shape.h"

namespace kith::index::gpu {

// A lane of a warp of a card, in the words of the kernels' bodies. tests/support/gpu/host_warp.h is
// the same interface with 32 values a variable.
class DeviceWarp {
 public:
  using U32 = uint32_t;
  using I32 = int32_t;
  using F32 = float;
  using U64 = uint64_t;
  using Mask = bool;
  struct Tile {
    int32_t value[4];
  };

  KITH_BODY uint32_t index() const { return threadIdx.x / kWarpLanes; }
  KITH_BODY uint32_t count() const { return blockDim.x / kWarpLanes; }
  KITH_BODY uint32_t lane() const { return threadIdx.x % kWarpLanes; }
  KITH_BODY uint32_t Zero() const { return 0; }
  KITH_BODY uint64_t AllOnes64() const { return ~uint64_t{0}; }
  KITH_BODY int32_t MostSigned() const { return 0x7fffffff; }

  // Memory.
  template <typename T, typename Index>
  KITH_BODY T Load(const T* from, Index at) const {
    return from[at];
  }
  template <typename T, typename Index>
  KITH_BODY T LoadIf(bool mask, const T* from, Index at) const {
    return mask ? from[at] : T{};
  }
  KITH_BODY uint32_t LoadByteIf(bool mask, const uint8_t* from, uint64_t at) const {
    return mask ? from[at] : 0u;
  }
  KITH_BODY uint32_t LoadBias(const uint16_t* from, uint32_t at) const { return __ldcs(from + at); }
  // Read once: they should not push anything else out of the caches.
  template <uint32_t kWords>
  KITH_BODY void StreamWords(const uint32_t* from, uint32_t* words) const {
    if constexpr (kWords == 4) {
      const uint4 four = __ldcs(reinterpret_cast<const uint4*>(from) + lane());
      words[0] = four.x;
      words[1] = four.y;
      words[2] = four.z;
      words[3] = four.w;
    } else if constexpr (kWords == 2) {
      const uint2 two = __ldcs(reinterpret_cast<const uint2*>(from) + lane());
      words[0] = two.x;
      words[1] = two.y;
    } else {
      words[0] = __ldcs(from + lane());
    }
  }
  template <typename T, typename Index, typename Value>
  KITH_BODY void Store(T* to, Index at, Value value) const {
    to[at] = static_cast<T>(value);
  }
  template <typename T, typename Index, typename Value>
  KITH_BODY void StoreIf(bool mask, T* to, Index at, Value value) const {
    if (mask) to[at] = static_cast<T>(value);
  }
  KITH_BODY void StoreByte(uint8_t* to, uint32_t at, uint32_t value) const {
    to[at] = static_cast<uint8_t>(value);
  }
  template <typename T, typename Value>
  KITH_BODY void StoreOne(T* to, const Value& value) const {
    if (lane() == 0) *to = static_cast<T>(value);
  }
  KITH_BODY void StoreProbes(bool mask, Probe* probes, const uint64_t* entries, uint32_t at) const {
    if (!mask) return;
    const uint64_t entry = entries[at];
    probes[at] = {FloatOf(static_cast<uint32_t>(entry >> 32)), static_cast<uint32_t>(entry)};
  }

  // Shared memory.
  KITH_BODY uint32_t LoadTable(const uint32_t* table, uint32_t byte_address, uint32_t step) const {
    const auto* bytes = reinterpret_cast<const unsigned char*>(table);
    return *reinterpret_cast<const uint32_t*>(bytes + byte_address + 4 * step);
  }
  KITH_BODY uint32_t LoadShared(const uint32_t* from, uint32_t at) const { return from[at]; }
  KITH_BODY void StoreShared(uint32_t* to, uint32_t at, uint32_t value) const { to[at] = value; }

  // Atomics.
  KITH_BODY uint32_t AtomicAdd(uint32_t* to, uint32_t value) const {
    uint32_t before = 0;
    if (lane() == 0) before = atomicAdd(to, value);
    return __shfl_sync(kAll, before, 0);
  }
  KITH_BODY void AtomicIncrementIf(bool mask, uint32_t* to, uint32_t at) const {
    if (mask) atomicAdd(to + at, 1u);
  }

  // What is left there.
  KITH_BODY uint32_t AtomicDecrementIf(bool mask, uint32_t* to, uint32_t at) const {
    return mask ? atomicSub(to + at, 1u) - 1 : 0;
  }

  // Among the lanes.
  KITH_BODY bool Any(bool mask) const { return __any_sync(kAll, mask) != 0; }
  KITH_BODY uint32_t CountOf(bool mask) const { return __popc(__ballot_sync(kAll, mask)); }
  KITH_BODY uint32_t RankIn(bool mask) const {
    return __popc(__ballot_sync(kAll, mask) & ((1u << lane()) - 1));
  }
  KITH_BODY uint32_t SumBefore(uint32_t value) const {
    uint32_t sum = value;
    for (uint32_t far = 1; far < kWarpLanes; far *= 2) {
      const uint32_t other = __shfl_up_sync(kAll, sum, far);
      if (lane() >= far) sum += other;
    }
    return sum - value;
  }
  KITH_BODY uint32_t Sum(uint32_t value) const {
    for (uint32_t far = kWarpLanes / 2; far > 0; far /= 2) {
      value += __shfl_xor_sync(kAll, value, far);
    }
    return value;
  }
  KITH_BODY float Least(float value) const {
    for (uint32_t far = kWarpLanes / 2; far > 0; far /= 2) {
      const float other = __shfl_xor_sync(kAll, value, far);
      value = other < value ? other : value;
    }
    return value;
  }
  KITH_BODY float Most(float value) const {
    for (uint32_t far = kWarpLanes / 2; far > 0; far /= 2) {
      const float other = __shfl_xor_sync(kAll, value, far);
      value = other > value ? other : value;
    }
    return value;
  }
  template <typename T>
  KITH_BODY T ShuffleXor(T value, uint32_t far) const {
    return __shfl_xor_sync(kAll, value, far);
  }
  template <typename Function>
  KITH_BODY void EachLane(const Function& function, uint32_t& value) const {
    function(lane(), value);
  }

  // In this lane.
  template <typename T>
  KITH_BODY T Select(bool mask, T a, T b) const {
    return mask ? a : b;
  }
  KITH_BODY int32_t Lower(int32_t a, int32_t b) const { return a < b ? a : b; }
  KITH_BODY uint32_t BytePermute(uint32_t x, uint32_t y, uint32_t selector) const {
    return __byte_perm(x, y, selector);
  }
  KITH_BODY int32_t DotBytes(uint32_t a, uint32_t b, int32_t acc) const {
    int32_t sum;
    asm("dp4a.u32.s32 %0, %1, %2, %3;" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
  }
  KITH_BODY float ToFloat(uint32_t value) const {
    return static_cast<float>(static_cast<int32_t>(value));
  }
  KITH_BODY uint32_t ToUnsigned(float value) const { return static_cast<uint32_t>(value); }
  KITH_BODY uint64_t Wide(uint32_t value) const { return value; }
  KITH_BODY uint32_t Bits(int32_t value) const { return static_cast<uint32_t>(value); }
  KITH_BODY uint64_t Join(uint32_t high, uint32_t low) const { return uint64_t{high} << 32 | low; }
  KITH_BODY uint32_t HighOf(uint64_t value) const { return static_cast<uint32_t>(value >> 32); }
  KITH_BODY uint32_t LowOf(uint64_t value) const { return static_cast<uint32_t>(value); }
  KITH_BODY float OrInfinity(float value) const {
    return value == value ? value : __int_as_float(0x7f800000);
  }
  KITH_BODY uint32_t OrderOf(float value) const { return OrderOfBits(__float_as_uint(value)); }
  KITH_BODY float FloatOf(uint32_t order) const { return __uint_as_float(BitsOfOrder(order)); }
  KITH_BODY float TermOfScore(int64_t offset, uint32_t score, uint32_t odd) const {
    const int64_t twice = 2 * int64_t{static_cast<int32_t>(score)};
    return static_cast<float>(offset + twice + odd);
  }

  KITH_BODY void ClearTile(Tile& tile) const {
    for (int32_t& value : tile.value) value = 0;
  }
  KITH_BODY void MultiplyTile(const uint32_t (&a)[4], const uint32_t (&b)[2], Tile& sum) const {
    asm("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 "
        "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
        : "+r"(sum.value[0]), "+r"(sum.value[1]), "+r"(sum.value[2]), "+r"(sum.value[3])
        : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
  }

 private:
  static constexpr uint32_t kAll = 0xffffffffu;
};

// A block of such warps.
class DeviceBlock {
 public:
  using Warp = DeviceWarp;

  template <typename Function>
  KITH_BODY void Phase(const Function& function) const {
    DeviceWarp warp;
    function(warp);
    __syncthreads();
  }
  template <typename T>
  KITH_BODY T Read(const T& value) const {
    const T read = value;
    __syncthreads();
    return read;
  }
  // Atomics change the second level of the cache, behind the back of the first.
  KITH_BODY uint32_t ReadFresh(const uint32_t& value) const {
    const uint32_t read = __ldcg(&value);
    __syncthreads();
    return read;
  }
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_DEVICE_WARP_CUH_
