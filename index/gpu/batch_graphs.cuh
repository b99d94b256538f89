#ifndef KITH_INDEX_GPU_BATCH_GRAPHS_CUH_
#define KITH_INDEX_GPU_BATCH_GRAPHS_CUH_

#include <cuda_runtime.h>

#include <vector>

#include "index/gpu/card_views.h"
#include "index/gpu/kernels.cuh"

namespace kith::index::gpu {

// A small batch is some ten kernels of a few microseconds: as a graph they are one launch. A graph
// serves as long as its batches have the same view (they do, but for how many queries there are),
// so a few are kept.
//
// Threads: as its card.
class BatchGraphs {
 public:
  BatchGraphs() = default;
  BatchGraphs(const BatchGraphs&) = delete;
  BatchGraphs& operator=(const BatchGraphs&) = delete;
  ~BatchGraphs() { Clear(); }

  // Large batches are launched kernel by kernel: what a launch takes is little beside them.
  cudaError_t Launch(const BatchView& batch, const BatchLaunch& launch, cudaStream_t stream);
  void Clear();

 private:
  struct Graph {
    BatchView batch;
    BatchLaunch launch;
    cudaGraphExec_t graph = nullptr;
  };

  cudaError_t Capture(const BatchView& batch, const BatchLaunch& launch, cudaStream_t stream);

  std::vector<Graph> graphs_;  // the latest used last
};

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_BATCH_GRAPHS_CUH_
