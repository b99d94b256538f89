#include "index/parallel.h"

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

namespace kith::index {

bool ForEachChunk(int threads, size_t chunks, const std::function<void(size_t)>& work,
                  const std::function<bool(size_t)>& go_on) {
  std::atomic<size_t> next = 0;
  std::atomic<size_t> finished = 0;
  std::atomic<bool> stopped = false;
  const auto do_one = [&] {
    if (stopped.load(std::memory_order_relaxed)) return false;
    const size_t chunk = next.fetch_add(1, std::memory_order_relaxed);
    if (chunk >= chunks) return false;
    work(chunk);
    finished.fetch_add(1, std::memory_order_relaxed);
    return true;
  };
  std::vector<std::thread> others;
  const size_t wanted = std::min(static_cast<size_t>(std::max(threads, 1)), chunks);
  for (size_t i = 1; i < wanted; ++i) {
    others.emplace_back([&] {
      while (do_one()) {
      }
    });
  }
  while (do_one()) {
    if (!go_on(finished.load(std::memory_order_relaxed))) stopped = true;
  }
  for (std::thread& other : others) other.join();
  return finished == chunks;
}

}  // namespace kith::index
