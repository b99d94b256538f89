#ifndef KITH_INDEX_GPU_PAIR_KERNELS_CUH_
#define KITH_INDEX_GPU_PAIR_KERNELS_CUH_

#include <cuda_runtime.h>

#include "index/gpu/card_views.h"

namespace kith::index::gpu {

// Lets the kernels below use the shared memory that their tables need. Once a card and shape.
cudaError_t PreparePairs(const ScanShape& shape);

// Errors of the two below are left to cudaGetLastError.
//
// The tables of a batch whose queries share lists, before its rounds.
void LaunchTables(const BatchView& batch, cudaStream_t stream);
// What a round scans, up to the entries.
void LaunchPairs(const BatchView& batch, uint32_t round, uint32_t blocks, cudaStream_t stream);

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_PAIR_KERNELS_CUH_
