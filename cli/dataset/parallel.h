#ifndef KITH_CLI_DATASET_PARALLEL_H_
#define KITH_CLI_DATASET_PARALLEL_H_

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <thread>
#include <vector>

namespace kith::cli {

inline uint32_t Cores() { return std::max(1u, std::thread::hardware_concurrency()); }

// Calls work(item) for every item of [0, items) on `threads` threads, in no order, and meanwhile
// watch() on the caller's own thread, every few milliseconds.
template <typename Work, typename Watch>
void ForEachInParallel(uint64_t items, uint32_t threads, Work work, Watch watch) {
  std::atomic<uint64_t> next{0};
  std::atomic<uint32_t> running{threads};
  std::vector<std::thread> pool;
  for (uint32_t i = 0; i < threads; ++i) {
    pool.emplace_back([&] {
      for (uint64_t item = next++; item < items; item = next++) work(item);
      --running;
    });
  }
  while (running > 0) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    watch();
  }
  for (std::thread& thread : pool) thread.join();
}

}  // namespace kith::cli

#endif  // KITH_CLI_DATASET_PARALLEL_H_
