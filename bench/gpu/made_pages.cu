#include <cuda_runtime.h>

#include "bench/gpu/made_pages.h"
#include "bench/gpu/timing.cuh"
#include "index/gpu/portable.h"

namespace kith::bench {
namespace {

KITH_BODY uint32_t Mixed(uint64_t value) {
  value ^= value >> 33;
  value *= 0xff51afd7ed558ccdull;
  value ^= value >> 33;
  value *= 0xc4ceb9fe1a85ec53ull;
  return static_cast<uint32_t>(value ^ value >> 33);
}

__global__ void NoiseKernel(uint4* memory, uint64_t count, uint32_t seed) {
  const uint64_t stride = uint64_t{gridDim.x} * blockDim.x;
  for (uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    const uint64_t base = (i * 4) ^ uint64_t { seed } << 40;
    memory[i] = make_uint4(Mixed(base), Mixed(base + 1), Mixed(base + 2), Mixed(base + 3));
  }
}

__global__ void NumbersKernel(uint32_t* numbers, uint64_t count, uint32_t divisor) {
  const uint64_t stride = uint64_t{gridDim.x} * blockDim.x;
  for (uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    numbers[i] = static_cast<uint32_t>(i / divisor);
  }
}

constexpr uint32_t kBlocks = 4096;
constexpr uint32_t kThreads = 256;

}  // namespace

index::Status FillNoise(void* memory, uint64_t bytes, uint32_t seed) {
  NoiseKernel<<<kBlocks, kThreads>>>(static_cast<uint4*>(memory), bytes / 16, seed);
  return FromCuda(cudaDeviceSynchronize());
}

index::Status FillNumbers(uint32_t* numbers, uint64_t count, uint32_t divisor) {
  NumbersKernel<<<kBlocks, kThreads>>>(numbers, count, divisor);
  return FromCuda(cudaDeviceSynchronize());
}

}  // namespace kith::bench
