#ifndef KITH_INDEX_GPU_BLOCK_SCRATCH_H_
#define KITH_INDEX_GPU_BLOCK_SCRATCH_H_

#include <cstddef>
#include <cstdint>

#include "index/gpu/portable.h"
#include "index/gpu/scan_shape.h"

namespace kith::index::gpu {

constexpr uint32_t kDigits = 256;  // of a pass of the radix selection

// What the warps of a block tell each other.
struct BlockScalars {
  uint32_t counter = 0;
  uint32_t tiles = 0;
  uint32_t digit = 0;
  uint32_t below = 0;
  float step = 0;
  float minimum_sum = 0;
};

// Where a block's shared memory is: skewed tables first, then the tables in bytes that they are
// made of (rows of 260 bytes, so that a column of them lies in different banks), then the rest.
struct BlockScratch {
  uint32_t* table = nullptr;
  uint8_t* bytes = nullptr;
  float* least = nullptr;  // of each sub-quantizer
  float* span = nullptr;
  uint32_t* histogram = nullptr;
  BlockScalars* scalars = nullptr;
};

constexpr uint32_t kByteRow = kCodes + 4;

// Of sub-quantizers in bytes and of what follows; a selection alone needs no tables.
KITH_ANYWHERE size_t ScratchBytes(const ScanShape& shape) {
  return size_t{shape.table_words()} * 4 + size_t{shape.padded()} * kByteRow +
         size_t{2} * kSubspacesMax * 4 + kDigits * 4 + 64;
}

KITH_ANYWHERE BlockScratch LayOutScratch(const ScanShape& shape, void* memory) {
  static_assert(sizeof(BlockScalars) <= 64);
  auto* at = static_cast<uint8_t*>(memory);
  BlockScratch scratch;
  scratch.table = reinterpret_cast<uint32_t*>(at);
  at += size_t{shape.table_words()} * 4;
  scratch.bytes = at;
  at += size_t{shape.padded()} * kByteRow;
  scratch.least = reinterpret_cast<float*>(at);
  at += size_t{kSubspacesMax} * 4;
  scratch.span = reinterpret_cast<float*>(at);
  at += size_t{kSubspacesMax} * 4;
  scratch.histogram = reinterpret_cast<uint32_t*>(at);
  at += kDigits * 4;
  scratch.scalars = reinterpret_cast<BlockScalars*>(at);
  return scratch;
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_BLOCK_SCRATCH_H_
