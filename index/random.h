#ifndef KITH_INDEX_RANDOM_H_
#define KITH_INDEX_RANDOM_H_

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace kith::index {

// xoshiro256** seeded through splitmix64. The standard distributions differ between libraries, and
// a trained version must not: its draws are made here too.
//
// Threads: one at a time.
class Random {
 public:
  explicit Random(uint64_t seed) {
    for (uint64_t& word : state_) {
      seed += 0x9e3779b97f4a7c15;
      uint64_t mixed = (seed ^ (seed >> 30)) * 0xbf58476d1ce4e5b9;
      mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
      word = mixed ^ (mixed >> 31);
    }
  }

  uint64_t Next() {
    const uint64_t result = std::rotl(state_[1] * 5, 7) * 9;
    const uint64_t shifted = state_[1] << 17;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
  }

  // Uniform in [0, bound), bound >= 1.
  uint64_t Below(uint64_t bound) {
    const uint64_t uneven = (0 - bound) % bound;  // draws below this would favour small results
    uint64_t draw = Next();
    while (draw < uneven) draw = Next();
    return draw % bound;
  }

 private:
  std::array<uint64_t, 4> state_;
};

// 0 to count - 1 in a random order.
inline std::vector<uint32_t> RandomOrder(uint32_t count, Random& random) {
  std::vector<uint32_t> order(count);
  for (uint32_t i = 0; i < count; ++i) order[i] = i;
  for (uint32_t i = count; i > 1; --i) std::swap(order[i - 1], order[random.Below(i)]);
  return order;
}

}  // namespace kith::index

#endif  // KITH_INDEX_RANDOM_H_
