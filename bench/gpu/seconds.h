#ifndef KITH_BENCH_GPU_SECONDS_H_
#define KITH_BENCH_GPU_SECONDS_H_

#include <chrono>

namespace kith::bench {

inline double SecondsSince(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_SECONDS_H_
