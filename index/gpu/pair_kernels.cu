#include "index/gpu/device_warp.cuh"
#include "index/gpu/kernels.cuh"
#include "index/gpu/pair_body.h"
#include "index/gpu/pair_kernels.cuh"

namespace kith::index::gpu {
namespace {

extern __shared__ __align__(16) unsigned char scratch_memory[];

__global__ __launch_bounds__(kBlockThreads) void TableKernel(BatchView batch) {
  DeviceBlock block;
  KeepTable(block, batch, blockIdx.x, LayOutScratch(batch.quantizer.shape, scratch_memory));
}

__global__ __launch_bounds__(kBlockThreads) void CountKernel(BatchView batch, uint32_t round) {
  DeviceBlock block;
  CountVisits(block, batch, blockIdx.x, round);
}

__global__ __launch_bounds__(kBlockThreads) void PlanKernel(BatchView batch) {
  __shared__ uint32_t sums[kBlockWarps];
  DeviceBlock block;
  BlockScratch scratch;
  scratch.histogram = sums;
  PlanVisits(block, batch, scratch);
}

__global__ __launch_bounds__(kBlockThreads) void PlaceKernel(BatchView batch, uint32_t round) {
  DeviceBlock block;
  PlaceVisits(block, batch, blockIdx.x, round);
}

// As many blocks of a multiprocessor as for one query.
template <uint32_t kParts, uint32_t kWords>
__global__ __launch_bounds__(kBlockThreads, kParts == 1 ? 3 : 1) void PairKernel(BatchView batch,
                                                                                 uint32_t round) {
  DeviceBlock block;
  const BlockScratch scratch = LayOutScratch(batch.quantizer.shape, scratch_memory);
  ScanPairs<DeviceBlock, kParts, kWords>(block, batch, {round, blockIdx.x, gridDim.x}, scratch);
}

using ScanKernel = void (*)(BatchView, uint32_t);

ScanKernel KernelFor(const ScanShape& shape) {
  return WithShape(shape, [](auto fixed) -> ScanKernel {
    return PairKernel<decltype(fixed)::kParts, decltype(fixed)::kWords>;
  });
}

}  // namespace

cudaError_t PreparePairs(const ScanShape& shape) {
  const auto bytes = static_cast<int>(ScratchBytes(shape));
  const auto kind = cudaFuncAttributeMaxDynamicSharedMemorySize;
  const cudaError_t error = cudaFuncSetAttribute(TableKernel, kind, bytes);
  return error == cudaSuccess ? cudaFuncSetAttribute(KernelFor(shape), kind, bytes) : error;
}

void LaunchTables(const BatchView& batch, cudaStream_t stream) {
  const size_t shared = ScratchBytes(batch.quantizer.shape);
  TableKernel<<<batch.queries, kBlockThreads, shared, stream>>>(batch);
}

void LaunchPairs(const BatchView& batch, uint32_t round, uint32_t blocks, cudaStream_t stream) {
  const size_t shared = ScratchBytes(batch.quantizer.shape);
  CountKernel<<<batch.queries, kBlockThreads, 0, stream>>>(batch, round);
  PlanKernel<<<1, kBlockThreads, 0, stream>>>(batch);
  PlaceKernel<<<batch.queries, kBlockThreads, 0, stream>>>(batch, round);
  KernelFor(batch.quantizer.shape)<<<blocks, kBlockThreads, shared, stream>>>(batch, round);
}

}  // namespace kith::index::gpu
