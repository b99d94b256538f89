#ifndef KITH_BENCH_GPU_TIMING_CUH_
#define KITH_BENCH_GPU_TIMING_CUH_

#include <cuda_runtime.h>

#include <algorithm>
#include <vector>

#include "index/status.h"

namespace kith::bench {

inline index::Status FromCuda(cudaError_t error) {
  if (error == cudaSuccess) return {};
  return {index::Code::kFailedPrecondition, "GPU_LOST", cudaGetErrorString(error)};
}

// Seconds of work(stream), by events: the median of several runs after a warm-up.
template <typename Work>
index::Status TimeOnCard(Work work, double& seconds) {
  constexpr int kRuns = 7;
  cudaEvent_t begin;
  cudaEvent_t end;
  (void)cudaEventCreate(&begin);
  (void)cudaEventCreate(&end);
  work();
  std::vector<float> times;
  for (int run = 0; run < kRuns; ++run) {
    (void)cudaEventRecord(begin);
    work();
    (void)cudaEventRecord(end);
    (void)cudaEventSynchronize(end);
    float ms = 0;
    (void)cudaEventElapsedTime(&ms, begin, end);
    times.push_back(ms);
  }
  (void)cudaEventDestroy(begin);
  (void)cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  seconds = times[kRuns / 2] / 1000;
  return FromCuda(cudaGetLastError());
}

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_TIMING_CUH_
