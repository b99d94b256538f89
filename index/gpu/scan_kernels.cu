#include "index/gpu/coarse_kernels.cuh"
#include "index/gpu/device_warp.cuh"
#include "index/gpu/kernels.cuh"
#include "index/gpu/pair_kernels.cuh"
#include "index/gpu/query_body.h"

namespace kith::index::gpu {
namespace {

extern __shared__ __align__(16) unsigned char scratch_memory[];

// Two blocks an SM at least where one table is used: what they wait for is memory.
template <uint32_t kParts>
constexpr uint32_t kBlocksOfSm = kParts == 1 ? 3 : 1;

template <uint32_t kParts, uint32_t kWords>
__global__ __launch_bounds__(kBlockThreads, kBlocksOfSm<kParts>) void QueryKernel(BatchView batch) {
  DeviceBlock block;
  const BlockScratch scratch = LayOutScratch(batch.quantizer.shape, scratch_memory);
  AnswerQuery<DeviceBlock, kParts, kWords>(block, batch, blockIdx.x, scratch);
}

template <uint32_t kParts, uint32_t kWords>
__global__ __launch_bounds__(kBlockThreads, kBlocksOfSm<kParts>) void SliceKernel(BatchView batch,
                                                                                  uint32_t round) {
  DeviceBlock block;
  const BlockScratch scratch = LayOutScratch(batch.quantizer.shape, scratch_memory);
  ScanWork work;
  work.query = blockIdx.y;
  work.slice = blockIdx.x;
  work.slices = gridDim.x;
  AnswerSlice<DeviceBlock, kParts, kWords>(block, batch, work, round, scratch);
}

__global__ __launch_bounds__(kBlockThreads) void CutKernel(BatchView batch, uint32_t round) {
  __shared__ uint32_t histogram[kDigits];
  __shared__ BlockScalars scalars;
  DeviceBlock block;
  BlockScratch scratch;
  scratch.histogram = histogram;
  scratch.scalars = &scalars;
  CutSlices(block, batch, blockIdx.x, round, scratch);
}

template <uint32_t kParts, uint32_t kWords>
__global__ __launch_bounds__(kBlockThreads,
                             kBlocksOfSm<kParts>) void FinishKernel(BatchView batch) {
  DeviceBlock block;
  const BlockScratch scratch = LayOutScratch(batch.quantizer.shape, scratch_memory);
  FinishSlices<DeviceBlock, kParts, kWords>(block, batch, blockIdx.x, scratch);
}

struct ScanKernels {
  void (*query)(BatchView);
  void (*slice)(BatchView, uint32_t);
  void (*finish)(BatchView);
};

ScanKernels KernelsFor(const ScanShape& shape) {
  return WithShape(shape, [](auto fixed) -> ScanKernels {
    constexpr uint32_t kParts = decltype(fixed)::kParts;
    constexpr uint32_t kWords = decltype(fixed)::kWords;
    return {QueryKernel<kParts, kWords>, SliceKernel<kParts, kWords>, FinishKernel<kParts, kWords>};
  });
}

template <typename Kernel>
cudaError_t AllowShared(Kernel kernel, size_t bytes) {
  return cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              static_cast<int>(bytes));
}

}  // namespace

cudaError_t PrepareKernels(const ScanShape& shape) {
  const ScanKernels kernels = KernelsFor(shape);
  const size_t bytes = ScratchBytes(shape);
  for (const cudaError_t error :
       {AllowShared(kernels.query, bytes), AllowShared(kernels.slice, bytes),
        AllowShared(kernels.finish, bytes)}) {
    if (error != cudaSuccess) return error;
  }
  return PreparePairs(shape);
}

cudaError_t LaunchBatch(const BatchView& batch, const BatchLaunch& launch, cudaStream_t stream) {
  const cudaError_t error = LaunchCoarse(batch, stream);
  if (error != cudaSuccess) return error;
  const ScanKernels kernels = KernelsFor(batch.quantizer.shape);
  const size_t shared = ScratchBytes(batch.quantizer.shape);
  if (launch.slices == 1 && launch.pair_blocks == 0) {
    kernels.query<<<batch.queries, kBlockThreads, shared, stream>>>(batch);
    return cudaGetLastError();
  }
  if (launch.pair_blocks > 0) LaunchTables(batch, stream);
  for (uint32_t round = 0; round < launch.rounds; ++round) {
    if (launch.pair_blocks > 0) {
      LaunchPairs(batch, round, launch.pair_blocks, stream);
    } else {
      const dim3 grid(launch.slices, batch.queries);
      kernels.slice<<<grid, kBlockThreads, shared, stream>>>(batch, round);
    }
    CutKernel<<<batch.queries, kBlockThreads, 0, stream>>>(batch, round);
  }
  kernels.finish<<<batch.queries, kBlockThreads, shared, stream>>>(batch);
  return cudaGetLastError();
}

}  // namespace kith::index::gpu
