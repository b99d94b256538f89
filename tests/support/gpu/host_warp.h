#ifndef KITH_TESTS_SUPPORT_GPU_HOST_WARP_H_
#define KITH_TESTS_SUPPORT_GPU_HOST_WARP_H_

#include <algorithm>
#include <bit>
#include <cstdint>
#include <limits>

#include "index/gpu/scan_shape.h"
#include "tests/support/gpu/host_warp_memory.h"
#include "tests/support/gpu/lanes.h"

namespace kith::testing {

// A warp of the kernels' bodies on the host: every variable has 32 values, every operation is made
// for all of them at once. index/gpu/device_warp.cuh is the same interface for a lane of a card.
class HostWarp : public HostWarpMemory {
 public:
  using U32 = Lanes<uint32_t>;
  using I32 = Lanes<int32_t>;
  using F32 = Lanes<float>;
  using U64 = Lanes<uint64_t>;
  using Mask = Lanes<bool>;
  struct Tile {
    I32 value[4];
  };

  HostWarp(uint32_t index, uint32_t count, BankCounts& banks)
      : HostWarpMemory(banks), index_(index), count_(count) {}

  uint32_t index() const { return index_; }
  uint32_t count() const { return count_; }
  U32 lane() const {
    U32 lanes;
    for (uint32_t i = 0; i < 32; ++i) lanes[i] = i;
    return lanes;
  }
  U32 Zero() const { return {}; }
  U64 AllOnes64() const { return U64::All(~uint64_t{0}); }
  I32 MostSigned() const { return I32::All(std::numeric_limits<int32_t>::max()); }

  // Among the lanes.
  bool Any(const Mask& mask) const {
    return std::any_of(mask.of.begin(), mask.of.end(), [](bool one) { return one; });
  }
  uint32_t CountOf(const Mask& mask) const {
    return static_cast<uint32_t>(std::count(mask.of.begin(), mask.of.end(), true));
  }
  // Lanes of the mask before each.
  U32 RankIn(const Mask& mask) const {
    U32 rank;
    uint32_t before = 0;
    Each([&](size_t i) {
      rank[i] = before;
      before += mask[i] ? 1 : 0;
    });
    return rank;
  }
  U32 SumBefore(const U32& values) const {
    U32 sums;
    uint32_t sum = 0;
    Each([&](size_t i) {
      sums[i] = sum;
      sum += values[i];
    });
    return sums;
  }
  uint32_t Sum(const U32& values) const {
    uint32_t sum = 0;
    Each([&](size_t i) { sum += values[i]; });
    return sum;
  }
  float Least(const F32& values) const {
    return *std::min_element(values.of.begin(), values.of.end());
  }
  float Most(const F32& values) const {
    return *std::max_element(values.of.begin(), values.of.end());
  }
  template <typename T>
  Lanes<T> ShuffleXor(const Lanes<T>& values, uint32_t far) const {
    Lanes<T> moved;
    Each([&](size_t i) { moved[i] = values[i ^ far]; });
    return moved;
  }
  template <typename Function>
  void EachLane(Function function, U32& values) const {
    Each([&](size_t i) { function(static_cast<uint32_t>(i), values[i]); });
  }

  // In each lane.
  template <typename T>
  Lanes<T> Select(const Mask& mask, const Lanes<T>& a, const Lanes<T>& b) const {
    Lanes<T> chosen;
    Each([&](size_t i) { chosen[i] = mask[i] ? a[i] : b[i]; });
    return chosen;
  }
  I32 Lower(const I32& a, const I32& b) const { return Select(a < b, a, b); }
  U32 BytePermute(const U32& x, const U32& y, uint32_t selector) const {
    U32 permuted;
    Each([&](size_t i) {
      const uint64_t bytes = uint64_t{y[i]} << 32 | x[i];
      for (int byte = 0; byte < 4; ++byte) {
        const uint64_t from = selector >> (4 * byte) & 7;
        permuted[i] |= static_cast<uint32_t>(bytes >> (8 * from) & 255) << (8 * byte);
      }
    });
    return permuted;
  }
  // acc + the products of four unsigned bytes with four signed ones.
  I32 DotBytes(const U32& a, uint32_t b, const I32& acc) const {
    I32 sum = acc;
    Each([&](size_t i) { sum[i] += Dot(a[i], b); });
    return sum;
  }
  F32 ToFloat(const U32& value) const {
    F32 floats;
    Each([&](size_t i) { floats[i] = static_cast<float>(static_cast<int32_t>(value[i])); });
    return floats;
  }
  U32 ToUnsigned(const F32& value) const {
    U32 whole;
    Each([&](size_t i) { whole[i] = static_cast<uint32_t>(value[i]); });
    return whole;
  }
  U64 Wide(const U32& value) const {
    U64 wide;
    Each([&](size_t i) { wide[i] = value[i]; });
    return wide;
  }
  U32 Bits(const I32& value) const {
    U32 bits;
    Each([&](size_t i) { bits[i] = static_cast<uint32_t>(value[i]); });
    return bits;
  }
  U64 Join(const U32& high, const U32& low) const {
    U64 joined;
    Each([&](size_t i) { joined[i] = uint64_t{high[i]} << 32 | low[i]; });
    return joined;
  }
  U32 HighOf(const U64& value) const {
    U32 high;
    Each([&](size_t i) { high[i] = static_cast<uint32_t>(value[i] >> 32); });
    return high;
  }
  U32 LowOf(const U64& value) const {
    U32 low;
    Each([&](size_t i) { low[i] = static_cast<uint32_t>(value[i]); });
    return low;
  }
  F32 OrInfinity(const F32& value) const {
    F32 ordered;
    Each([&](size_t i) {
      ordered[i] = value[i] == value[i] ? value[i] : std::numeric_limits<float>::infinity();
    });
    return ordered;
  }
  U32 OrderOf(const F32& value) const {
    U32 order;
    Each([&](size_t i) { order[i] = index::gpu::OrderOfBits(std::bit_cast<uint32_t>(value[i])); });
    return order;
  }
  float FloatOf(uint32_t order) const {
    return std::bit_cast<float>(index::gpu::BitsOfOrder(order));
  }
  // A list's term of its integer score.
  F32 TermOfScore(int64_t offset, const U32& score, const U32& odd) const {
    F32 terms;
    Each([&](size_t i) {
      const int64_t distance = offset + 2 * int64_t{static_cast<int32_t>(score[i])} + odd[i];
      terms[i] = static_cast<float>(distance);
    });
    return terms;
  }

  // mma.m16n8k32 of unsigned by signed bytes.
  void ClearTile(Tile& tile) const { tile = {}; }
  void MultiplyTile(const U32 (&a)[4], const U32 (&b)[2], Tile& sum) const {
    for (uint32_t row = 0; row < 16; ++row) {
      for (uint32_t column = 0; column < 8; ++column) {
        int32_t dot = 0;
        for (uint32_t thread = 0; thread < 4; ++thread) {
          const uint32_t from_a = row % 8 * 4 + thread;
          const uint32_t from_b = column * 4 + thread;
          dot += Dot(a[row / 8][from_a], b[0][from_b]);
          dot += Dot(a[2 + row / 8][from_a], b[1][from_b]);
        }
        sum.value[row / 8 * 2 + column % 2][row % 8 * 4 + column / 2] += dot;
      }
    }
  }

 private:
  static int32_t Dot(uint32_t a, uint32_t b) {
    int32_t sum = 0;
    for (int byte = 0; byte < 4; ++byte) {
      sum += static_cast<int32_t>(a >> (8 * byte) & 255) * static_cast<int8_t>(b >> (8 * byte));
    }
    return sum;
  }
  uint32_t index_;
  uint32_t count_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_GPU_HOST_WARP_H_
