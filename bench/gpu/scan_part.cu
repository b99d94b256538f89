#include <cuda_runtime.h>

#include <algorithm>

#include "bench/gpu/made_pages.h"
#include "bench/gpu/parts.h"
#include "bench/gpu/timing.cuh"
#include "index/gpu/card_memory.h"
#include "index/gpu/device_warp.cuh"
#include "index/gpu/kernels.cuh"
#include "index/gpu/scan_body.h"

namespace kith::bench {
namespace {

using index::Status;
using index::gpu::BatchView;
using index::gpu::BlockScratch;
using index::gpu::DeviceWarp;

constexpr uint64_t kBytes = uint64_t{40} << 30;
constexpr uint32_t kPageVectors = 256;
constexpr uint32_t kWords = 6;

extern __shared__ __align__(16) unsigned char scratch_memory[];

// Every page once, by a threshold that nothing reaches: ranks are made and compared as in a search.
__global__ __launch_bounds__(index::gpu::kBlockThreads, 3) void ScanKernel(BatchView batch,
                                                                           uint32_t pages) {
  const BlockScratch scratch = LayOutScratch(batch.quantizer.shape, scratch_memory);
  for (uint32_t i = threadIdx.x; i < batch.quantizer.shape.table_words(); i += blockDim.x) {
    scratch.table[i] = i * 2654435761u >> 24;
  }
  if (threadIdx.x == 0) scratch.scalars->step = 1;
  __syncthreads();
  DeviceWarp warp;
  const uint32_t units = gridDim.x * warp.count();
  const index::gpu::TileShare share =
      index::gpu::ShareOf(pages, blockIdx.x * warp.count() + warp.index(), units);
  const index::gpu::ScanWork work;
  for (uint32_t page = share.begin; page < share.end; ++page) {
    index::gpu::ScanPage<DeviceWarp, 1, kWords>(warp, batch, work, {page, kPageVectors, 1.0f},
                                                scratch);
  }
}

__global__ void ReadKernel(const uint4* memory, uint64_t count, uint32_t* out) {
  uint32_t sum = 0;
  const uint64_t stride = uint64_t{gridDim.x} * blockDim.x;
  for (uint64_t i = uint64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < count; i += stride) {
    const uint4 four = __ldcs(memory + i);
    sum += four.x ^ four.y ^ four.z ^ four.w;
  }
  if (sum == 0x12345678u) *out = sum;  // so that the reads stay
}

Status MeasureCopies(void* memory, uint64_t bytes, uint32_t* out, Report& report) {
  double seconds = 0;
  auto* half = static_cast<uint8_t*>(memory) + bytes / 2;
  Status status = TimeOnCard(
      [&] { (void)cudaMemcpyAsync(half, memory, bytes / 2, cudaMemcpyDeviceToDevice); }, seconds);
  if (!status.ok()) return status;
  report.Add(
      {"scan", "copy, bytes read and written", static_cast<double>(bytes) / seconds / 1e9, "GB/s"});
  status = TimeOnCard(
      [&] { ReadKernel<<<8192, 256>>>(static_cast<const uint4*>(memory), bytes / 16, out); },
      seconds);
  if (!status.ok()) return status;
  report.Add({"scan", "plain read", static_cast<double>(bytes) / seconds / 1e9, "GB/s"});
  return {};
}

}  // namespace

Status MeasureScan(index::gpu::Card& card, const PartOptions& options, Report& report) {
  BatchView batch;
  batch.quantizer.shape = index::gpu::MakeScanShape(24);
  batch.slab.page_vectors = kPageVectors;
  const uint64_t page_bytes = kPageVectors / 32 * batch.quantizer.shape.group_bytes();
  uint64_t bytes = std::min(kBytes, card.report().free_bytes / 10 * 9);
  if (options.points != 0) bytes = std::min(bytes, options.points / kPageVectors * page_bytes);
  const uint64_t pages = bytes / page_bytes;
  index::gpu::OnCard<uint8_t> codes;
  index::gpu::OnCard<index::gpu::QueryState> state;
  index::gpu::OnCard<uint32_t> out;
  Status status = codes.Allocate(card, pages * page_bytes);
  if (status.ok()) status = state.Allocate(card, 1);
  if (status.ok()) status = out.Allocate(card, 1);
  if (status.ok()) status = card.Clear(state.data(), state.bytes());
  if (status.ok()) status = card.Wait();
  if (status.ok()) status = FillNoise(codes.data(), codes.bytes(), 1);
  if (!status.ok()) return status;
  batch.slab.codes = codes.data();
  batch.states = state.data();
  const auto shared = static_cast<int>(ScratchBytes(batch.quantizer.shape));
  status = FromCuda(
      cudaFuncSetAttribute(ScanKernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
  if (!status.ok()) return status;
  double seconds = 0;
  const uint32_t blocks = card.report().multiprocessors * 3;
  status = TimeOnCard(
      [&] {
        ScanKernel<<<blocks, index::gpu::kBlockThreads, shared>>>(batch,
                                                                  static_cast<uint32_t>(pages));
      },
      seconds);
  if (!status.ok()) return status;
  report.Add({"scan", "random codes, 24 + 2 bytes a vector: GB",
              static_cast<double>(codes.bytes()) / 1e9, "GB"});
  report.Add({"scan", "bandwidth of the scan", static_cast<double>(codes.bytes()) / seconds / 1e9,
              "GB/s"});
  report.Add({"scan", "vectors scanned", static_cast<double>(pages * kPageVectors) / seconds / 1e9,
              "1e9/s"});
  return MeasureCopies(codes.data(), codes.bytes() / 32 * 32, out.data(), report);
}

}  // namespace kith::bench
