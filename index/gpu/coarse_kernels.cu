#include "index/gpu/coarse_body.h"
#include "index/gpu/coarse_kernels.cuh"
#include "index/gpu/device_warp.cuh"
#include "index/gpu/kernels.cuh"

namespace kith::index::gpu {
namespace {

constexpr uint32_t kBlockQueries = kBlockWarps * kTileQueries;

__global__ __launch_bounds__(kBlockThreads) void MinimaKernel(BatchView batch) {
  DeviceBlock block;
  MinimaOfPanel(block, batch, blockIdx.x, blockIdx.y * kBlockQueries);
}

__global__ __launch_bounds__(kBlockThreads) void PickKernel(BatchView batch) {
  __shared__ uint32_t histogram[kDigits];
  __shared__ BlockScalars scalars;
  DeviceBlock block;
  BlockScratch scratch;
  scratch.histogram = histogram;
  scratch.scalars = &scalars;
  PickLists(block, batch, blockIdx.x, scratch);
}

}  // namespace

cudaError_t LaunchCoarse(const BatchView& batch, cudaStream_t stream) {
  const dim3 grid(batch.quantizer.panel_count, (batch.queries + kBlockQueries - 1) / kBlockQueries);
  if (!batch.lists_given) MinimaKernel<<<grid, kBlockThreads, 0, stream>>>(batch);
  PickKernel<<<batch.queries, kBlockThreads, 0, stream>>>(batch);
  return cudaGetLastError();
}

}  // namespace kith::index::gpu
