#ifndef KITH_INDEX_GPU_KERNELS_CUH_
#define KITH_INDEX_GPU_KERNELS_CUH_

#include <cuda_runtime.h>

#include "index/gpu/card_views.h"

// How the kernels of a batch are put on a stream.
namespace kith::index::gpu {

constexpr uint32_t kBlockWarps = 8;
constexpr uint32_t kBlockThreads = kBlockWarps * kWarpLanes;

// Lets the scan use the shared memory that its tables need. Once a card and shape.
cudaError_t PrepareKernels(const ScanShape& shape);

// Coarse step and scan of all queries, up to their results. The first error of a launch; those of
// the kernels come with what waits for the stream.
cudaError_t LaunchBatch(const BatchView& batch, const BatchLaunch& launch, cudaStream_t stream);

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_KERNELS_CUH_
