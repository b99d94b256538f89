#ifndef KITH_INDEX_GPU_COARSE_KERNELS_CUH_
#define KITH_INDEX_GPU_COARSE_KERNELS_CUH_

#include <cuda_runtime.h>

#include "index/gpu/card_views.h"

namespace kith::index::gpu {

// The probes of every query of the batch, and its fresh state.
cudaError_t LaunchCoarse(const BatchView& batch, cudaStream_t stream);

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_COARSE_KERNELS_CUH_
