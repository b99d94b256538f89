#ifndef KITH_TESTS_SUPPORT_GPU_HOST_WARP_MEMORY_H_
#define KITH_TESTS_SUPPORT_GPU_HOST_WARP_MEMORY_H_

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdint>
#include <map>
#include <set>

#include "index/gpu/card_views.h"
#include "index/gpu/scan_shape.h"
#include "tests/support/gpu/lanes.h"

namespace kith::testing {

// What the shared memory of a card would have done: of every access, the lanes that want different
// words of one bank.
struct BankCounts {
  std::atomic<uint32_t> lanes_of_a_bank{0};  // the most there were
  std::atomic<uint64_t> lookups{0};

  void Note(const Lanes<uint64_t>& words) {
    std::map<uint64_t, std::set<uint64_t>> banks;
    for (size_t lane = 0; lane < 32; ++lane) banks[words[lane] % 32].insert(words[lane]);
    uint32_t most = 0;
    for (const auto& [bank, of_bank] : banks) {
      most = std::max(most, static_cast<uint32_t>(of_bank.size()));
    }
    uint32_t seen = lanes_of_a_bank.load();
    while (seen < most && !lanes_of_a_bank.compare_exchange_weak(seen, most)) {
    }
  }
};

// The loads, stores and atomics of a warp on the host (host_warp.h).
class HostWarpMemory {
 public:
  using U32 = Lanes<uint32_t>;
  using U64 = Lanes<uint64_t>;
  using Mask = Lanes<bool>;

  explicit HostWarpMemory(BankCounts& banks) : banks_(banks) {}

  // Memory.
  template <typename T, typename Index>
  Lanes<T> Load(const T* from, const Lanes<Index>& at) const {
    Lanes<T> values;
    Each([&](size_t i) { values[i] = from[at[i]]; });
    return values;
  }
  template <typename T, typename Index>
  Lanes<T> LoadIf(const Mask& mask, const T* from, const Lanes<Index>& at) const {
    Lanes<T> values;
    Each([&](size_t i) { values[i] = mask[i] ? from[at[i]] : T{}; });
    return values;
  }
  U32 LoadByteIf(const Mask& mask, const uint8_t* from, const U64& at) const {
    U32 values;
    Each([&](size_t i) { values[i] = mask[i] ? from[at[i]] : 0u; });
    return values;
  }
  U32 LoadBias(const uint16_t* from, const U32& at) const {
    U32 values;
    Each([&](size_t i) { values[i] = from[at[i]]; });
    return values;
  }
  template <uint32_t kWords>
  void StreamWords(const uint32_t* from, U32* words) const {
    for (uint32_t word = 0; word < kWords; ++word) {
      Each([&](size_t i) { words[word][i] = from[i * kWords + word]; });
    }
  }
  template <typename T, typename Index, typename Value>
  void Store(T* to, const Lanes<Index>& at, const Value& value) const {
    Each([&](size_t i) { to[at[i]] = static_cast<T>(At(value, i)); });
  }
  template <typename T, typename Index, typename Value>
  void StoreIf(const Mask& mask, T* to, const Lanes<Index>& at, const Value& value) const {
    Each([&](size_t i) {
      if (mask[i]) to[at[i]] = static_cast<T>(At(value, i));
    });
  }
  void StoreByte(uint8_t* to, const U32& at, const U32& value) const {
    Each([&](size_t i) { to[at[i]] = static_cast<uint8_t>(value[i]); });
  }
  template <typename T, typename Value>
  void StoreOne(T* to, const Value& value) const {
    *to = static_cast<T>(value);
  }
  void StoreProbes(const Mask& mask, index::gpu::Probe* probes, const uint64_t* entries,
                   const U32& at) const {
    Each([&](size_t i) {
      if (!mask[i]) return;
      const uint64_t entry = entries[at[i]];
      const uint32_t bits = index::gpu::BitsOfOrder(static_cast<uint32_t>(entry >> 32));
      probes[at[i]] = {std::bit_cast<float>(bits), static_cast<uint32_t>(entry)};
    });
  }

  // Shared memory, whose banks are watched.
  U32 LoadTable(const uint32_t* table, const U32& byte_address, uint32_t step) const {
    U32 words;
    Each([&](size_t i) { words[i] = byte_address[i] / 4 + step; });
    banks_.lookups += 1;
    return LoadShared(table, words);
  }
  U32 LoadShared(const uint32_t* from, const U32& at) const {
    NoteBanks(from, at);
    return Load(from, at);
  }
  void StoreShared(uint32_t* to, const U32& at, const U32& value) const {
    NoteBanks(to, at);
    Store(to, at, value);
  }

  // Atomics.
  uint32_t AtomicAdd(uint32_t* to, uint32_t value) const {
    return std::atomic_ref<uint32_t>(*to).fetch_add(value);
  }
  void AtomicIncrementIf(const Mask& mask, uint32_t* to, const U32& at) const {
    Each([&](size_t i) {
      if (mask[i]) std::atomic_ref<uint32_t>(to[at[i]]).fetch_add(1);
    });
  }
  U32 AtomicDecrementIf(const Mask& mask, uint32_t* to, const U32& at) const {
    U32 left;
    Each([&](size_t i) {
      if (mask[i]) left[i] = std::atomic_ref<uint32_t>(to[at[i]]).fetch_sub(1) - 1;
    });
    return left;
  }

 protected:
  template <typename Function>
  static void Each(Function function) {
    for (size_t i = 0; i < 32; ++i) function(i);
  }

 private:
  void NoteBanks(const uint32_t* base, const U32& at) const {
    U64 words;
    Each([&](size_t i) { words[i] = reinterpret_cast<uintptr_t>(base + at[i]) / 4; });
    banks_.Note(words);
  }

  BankCounts& banks_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_GPU_HOST_WARP_MEMORY_H_
