#include <cuda_runtime.h>

#include <vector>

#include "bench/gpu/parts.h"
#include "bench/gpu/timing.cuh"
#include "index/gpu/card_memory.h"
#include "index/gpu/device_warp.cuh"
#include "index/gpu/lookup_body.h"

namespace kith::bench {
namespace {

using index::Status;
using index::gpu::DeviceWarp;
using index::gpu::GroupCodes;

constexpr uint32_t kThreads = 256;
constexpr uint32_t kBlocksOfMultiprocessor = 3;
constexpr uint32_t kRounds = 4096;
constexpr uint32_t kWords = 6;  // M = 24
constexpr size_t kTableBytes = index::gpu::kCodes * index::gpu::kTableStride * 4;

extern __shared__ __align__(16) uint32_t table_memory[];

KITH_BODY void FillTable() {
  for (uint32_t i = threadIdx.x; i < kTableBytes / 4; i += blockDim.x) {
    table_memory[i] = i * 2654435761u >> 24;
  }
  __syncthreads();
}

KITH_BODY void NextCodes(GroupCodes<DeviceWarp, 1, kWords>& codes) {
#pragma unroll
  for (uint32_t& word : codes.words) word = word * 1664525u + 1013904223u;
}

// Clocks that a block takes for its look-ups.
__global__ __launch_bounds__(kThreads, kBlocksOfMultiprocessor) void IntegerKernel(uint64_t* clocks,
                                                                                   uint32_t* sums) {
  FillTable();
  DeviceWarp warp;
  GroupCodes<DeviceWarp, 1, kWords> codes;
  for (uint32_t& word : codes.words) word = threadIdx.x * 747796405u + blockIdx.x;
  uint32_t sum = 0;
  const uint64_t begin = clock64();
  for (uint32_t round = 0; round < kRounds; ++round) {
    sum += index::gpu::SumLookups<DeviceWarp, 1, kWords>(warp, table_memory, codes);
    NextCodes(codes);
  }
  __syncthreads();
  if (threadIdx.x == 0) clocks[blockIdx.x] = clock64() - begin;
  sums[blockIdx.x * kThreads + threadIdx.x] = sum;
}

// The same with entries that are floats: an addition of another unit for each.
__global__ __launch_bounds__(kThreads, kBlocksOfMultiprocessor) void FloatKernel(uint64_t* clocks,
                                                                                 uint32_t* sums) {
  FillTable();
  DeviceWarp warp;
  GroupCodes<DeviceWarp, 1, kWords> codes;
  for (uint32_t& word : codes.words) word = threadIdx.x * 747796405u + blockIdx.x;
  float even = 0;
  float odd = 0;
  const uint32_t lane_bytes = warp.lane() * 4;
  const uint64_t begin = clock64();
  for (uint32_t round = 0; round < kRounds; ++round) {
#pragma unroll
    for (uint32_t word = 0; word < kWords; ++word) {
#pragma unroll
      for (uint32_t byte = 0; byte < 4; ++byte) {
        const uint32_t at = __byte_perm(codes.words[word], lane_bytes, 0x5504 | byte << 4);
        const float entry = __uint_as_float(warp.LoadTable(table_memory, at, word * 4 + byte));
        (byte % 2 == 0 ? even : odd) += entry;
      }
    }
    NextCodes(codes);
  }
  __syncthreads();
  if (threadIdx.x == 0) clocks[blockIdx.x] = clock64() - begin;
  sums[blockIdx.x * kThreads + threadIdx.x] = __float_as_uint(even + odd);
}

using Kernel = void (*)(uint64_t*, uint32_t*);

Status Measure(index::gpu::Card& card, Kernel kernel, double& lookups_of_clock) {
  const uint32_t blocks = card.report().multiprocessors * kBlocksOfMultiprocessor;
  index::gpu::OnCard<uint64_t> clocks;
  index::gpu::OnCard<uint32_t> sums;
  if (Status status = clocks.Allocate(card, blocks); !status.ok()) return status;
  if (Status status = sums.Allocate(card, uint64_t{blocks} * kThreads); !status.ok()) return status;
  cudaError_t error = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                           static_cast<int>(kTableBytes));
  for (int run = 0; run < 2 && error == cudaSuccess; ++run) {
    kernel<<<blocks, kThreads, kTableBytes>>>(clocks.data(), sums.data());
    error = cudaDeviceSynchronize();
  }
  if (error != cudaSuccess) return FromCuda(error);
  std::vector<uint64_t> of_blocks(blocks);
  if (Status status = card.CopyOut({of_blocks.data(), clocks.data(), clocks.bytes()});
      !status.ok()) {
    return status;
  }
  if (Status status = card.Wait(); !status.ok()) return status;
  double mean = 0;
  for (const uint64_t one : of_blocks) mean += static_cast<double>(one) / blocks;
  const double lookups = double{kRounds} * kWords * 4 * kThreads;
  lookups_of_clock = kBlocksOfMultiprocessor * lookups / mean;
  return {};
}

}  // namespace

Status MeasureLookups(index::gpu::Card& card, Report& report) {
  const std::pair<const char*, Kernel> kernels[] = {
      {"integers, two queries a word (the scan's)", IntegerKernel},
      {"floats, one query", FloatKernel}};
  for (const auto& [name, kernel] : kernels) {
    double lookups = 0;
    if (Status status = Measure(card, kernel, lookups); !status.ok()) return status;
    report.Add({"lookup", name, lookups, "look-ups/clock/SM"});
  }
  return {};
}

}  // namespace kith::bench
