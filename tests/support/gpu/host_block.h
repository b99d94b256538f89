#ifndef KITH_TESTS_SUPPORT_GPU_HOST_BLOCK_H_
#define KITH_TESTS_SUPPORT_GPU_HOST_BLOCK_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <numeric>
#include <random>
#include <thread>
#include <vector>

#include "tests/support/gpu/host_warp.h"

namespace kith::testing {

// In which order the warps between two barriers run.
enum class Schedule {
  kInOrder,
  kShuffled,  // one after the other, each time in another order
  kThreads,   // at once: what a data race would break, ThreadSanitizer finds
};

// A block of warps on the host: the bodies' code between two barriers is a phase.
class HostBlock {
 public:
  using Warp = HostWarp;

  HostBlock(uint32_t warps, BankCounts& banks, Schedule schedule = Schedule::kInOrder,
            uint32_t seed = 1)
      : warps_(warps), banks_(banks), schedule_(schedule), random_(seed) {}

  template <typename Function>
  void Phase(Function function) {
    std::vector<uint32_t> order(warps_);
    std::iota(order.begin(), order.end(), 0u);
    if (schedule_ != Schedule::kInOrder) std::shuffle(order.begin(), order.end(), random_);
    const auto run = [&](uint32_t index) {
      HostWarp warp(index, warps_, banks_);
      function(warp);
    };
    if (schedule_ != Schedule::kThreads) {
      for (const uint32_t index : order) run(index);
      return;
    }
    std::vector<std::jthread> threads;
    for (const uint32_t index : order) threads.emplace_back(run, index);
  }

  // A value that all warps branch on: none changes it before all have read it.
  template <typename T>
  T Read(const T& value) const {
    return value;
  }
  // One that other warps changed by atomics.
  uint32_t ReadFresh(const uint32_t& value) const { return value; }

 private:
  uint32_t warps_;
  BankCounts& banks_;
  Schedule schedule_;
  std::mt19937 random_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_GPU_HOST_BLOCK_H_
