#ifndef KITH_INDEX_GPU_TABLE_BODY_H_
#define KITH_INDEX_GPU_TABLE_BODY_H_

#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"

// From a query to its skewed table: the same bytes, and the same scale to the bit, as lookup_tables
// and byte_table of index/kernels/kernel_table.h make.
namespace kith::index::gpu {

constexpr float kLargestSpan = 3.4e38f;

// The entries of 32 codewords, `first` and those after it.
template <class Warp>
KITH_BODY typename Warp::F32 TableEntries(Warp& warp, const QuantizerView& quantizer,
                                          const float* query, uint32_t subspace, uint32_t first) {
  const float factor = quantizer.inner_product ? -1.0f : -2.0f;
  auto sum = warp.ToFloat(warp.Zero());
  const uint32_t end = quantizer.subspace_begins[subspace + 1];
  for (uint32_t j = quantizer.subspace_begins[subspace]; j < end; ++j) {
    const float scaled = factor * query[j];
    const float* column = quantizer.codebook_columns + size_t{j} * kCodes + first;
    sum = sum + warp.Load(column, warp.lane()) * scaled;
  }
  return sum;
}

// The least entry of each sub-quantizer and how far the others go above it.
template <class Block>
KITH_BODY void MeasureEntries(Block& block, const QuantizerView& quantizer, const float* query,
                              const BlockScratch& scratch) {
  block.Phase([&](auto& warp) {
    for (uint32_t m = warp.index(); m < quantizer.shape.subspaces; m += warp.count()) {
      auto least = TableEntries(warp, quantizer, query, m, 0);
      auto most = least;
      for (uint32_t first = kWarpLanes; first < kCodes; first += kWarpLanes) {
        const auto some = TableEntries(warp, quantizer, query, m, first);
        least = warp.Select(some < least, some, least);
        most = warp.Select(some > most, some, most);
      }
      const float low = warp.Least(least);
      warp.StoreOne(scratch.least + m, low);
      warp.StoreOne(scratch.span + m, warp.Most(most) - low);
    }
  });
}

// One step for all sub-quantizers, so that the greatest span becomes 255.
struct EntryScale {
  float minimum_sum;
  float widest;
  bool is_flat;  // all bytes are 0
};
KITH_ANYWHERE EntryScale ScaleOf(const float* least, const float* span, uint32_t subspaces) {
  EntryScale scale = {0, 0, false};
  bool finite = true;
  for (uint32_t m = 0; m < subspaces; ++m) {
    scale.widest = span[m] > scale.widest ? span[m] : scale.widest;
    scale.minimum_sum = scale.minimum_sum + least[m];
    finite = finite && span[m] <= kLargestSpan;
  }
  scale.is_flat = !finite || !(scale.widest > 0);
  if (!finite) scale.minimum_sum = 0;
  return scale;
}

template <class Block>
KITH_BODY void MakeByteTable(Block& block, const QuantizerView& quantizer, const float* query,
                             const BlockScratch& scratch) {
  MeasureEntries(block, quantizer, query, scratch);
  block.Phase([&](auto& warp) {
    const EntryScale scale = ScaleOf(scratch.least, scratch.span, quantizer.shape.subspaces);
    if (warp.index() == 0) {
      warp.StoreOne(&scratch.scalars->minimum_sum, scale.minimum_sum);
      warp.StoreOne(&scratch.scalars->step, scale.is_flat ? 0.0f : scale.widest / 255);
    }
    const float factor = scale.is_flat ? 0.0f : 255 / scale.widest;
    for (uint32_t m = warp.index(); m < quantizer.shape.padded(); m += warp.count()) {
      uint8_t* row = scratch.bytes + size_t{m} * kByteRow;
      for (uint32_t first = 0; first < kCodes; first += kWarpLanes) {
        auto bytes = warp.Zero();
        if (m < quantizer.shape.subspaces && !scale.is_flat) {
          const auto entries = TableEntries(warp, quantizer, query, m, first);
          bytes = warp.ToUnsigned((entries - scratch.least[m]) * factor + 0.5f);
        }
        warp.StoreByte(row + first, warp.lane(), bytes);
      }
    }
  });
}

// Whose bytes the spread puts into the words' lower half, and into the upper one.
enum class TableHalf : uint32_t { kFirst = 0, kSecond = 16 };

// Spreads the byte table over the skewed ones: a lane writes a word of each row, so that neither
// its reads nor its writes meet another lane's bank.
template <class Block>
KITH_BODY void SpreadTable(Block& block, const ScanShape& shape, const BlockScratch& scratch,
                           TableHalf half) {
  const uint32_t shift = static_cast<uint32_t>(half);
  block.Phase([&](auto& warp) {
    const uint32_t quads = shape.parts * (kCodes / 4);
    for (uint32_t quad = warp.index(); quad < quads; quad += warp.count()) {
      const uint32_t part = quad / (kCodes / 4);
      const uint32_t code = quad % (kCodes / 4) * 4;
      for (uint32_t begin = 0; begin < kTableStride; begin += kWarpLanes) {
        const auto word = warp.lane() + begin;
        const auto m = word % shape.part_subspaces() + part * shape.part_subspaces();
        // A row of bytes is 65 words long.
        const auto four = warp.LoadShared(reinterpret_cast<const uint32_t*>(scratch.bytes),
                                          m * (kByteRow / 4) + code / 4);
        for (uint32_t i = 0; i < 4; ++i) {
          const auto at = word + TableWord(part, code + i, 0);
          auto entry = (four >> (8 * i) & 255u) << shift;
          if (half == TableHalf::kSecond) entry = entry | warp.LoadShared(scratch.table, at);
          warp.StoreShared(scratch.table, at, entry);
        }
      }
    }
  });
}

template <class Block>
KITH_BODY void BuildTable(Block& block, const QuantizerView& quantizer, const float* query,
                          const BlockScratch& scratch) {
  MakeByteTable(block, quantizer, query, scratch);
  SpreadTable(block, quantizer.shape, scratch, TableHalf::kFirst);
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_TABLE_BODY_H_
