#ifndef KITH_INDEX_GPU_REFINE_BODY_H_
#define KITH_INDEX_GPU_REFINE_BODY_H_

#include <cstdint>

#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"

// Sums over the dimensions as the CPU makes them: sixteen lanes, lane i taking elements i, i + 16,
// ..., folded in one order (index/kernels/portable_kernels.inc). Half a warp makes one sum, so that
// a warp looks at two vectors at a time.
namespace kith::index::gpu {

constexpr uint32_t kSumLanes = 16;

// The sum of terms(j, mask) over j below `dimension`, of each half warp, in all of its lanes.
template <class Warp, class Terms>
KITH_BODY typename Warp::F32 SumOfHalves(Warp& warp, uint32_t dimension, const Terms& terms) {
  auto sum = warp.ToFloat(warp.Zero());
  for (uint32_t first = 0; first < dimension; first += kSumLanes) {
    const auto j = (warp.lane() & (kSumLanes - 1)) + first;
    const auto inside = j < dimension;
    sum = warp.Select(inside, sum + terms(j, inside), sum);
  }
  sum = sum + warp.ShuffleXor(sum, 8);
  sum = sum + warp.ShuffleXor(sum, 4);
  sum = sum + warp.ShuffleXor(sum, 2);
  return sum + warp.ShuffleXor(sum, 1);
}

template <class Warp, class Terms>
KITH_BODY typename Warp::U32 IntegerSumOfHalves(Warp& warp, uint32_t dimension,
                                                const Terms& terms) {
  auto sum = warp.Zero();
  for (uint32_t first = 0; first < dimension; first += kSumLanes) {
    const auto j = (warp.lane() & (kSumLanes - 1)) + first;
    const auto inside = j < dimension;
    sum = warp.Select(inside, sum + terms(j, inside), sum);
  }
  for (uint32_t far = kSumLanes / 2; far > 0; far /= 2) sum = sum + warp.ShuffleXor(sum, far);
  return sum;
}

// A list's share of every rank in it: ||q - c||², or -<q, c> under inner product; `list` is the
// same in the lanes of half a warp.
template <class Warp>
KITH_BODY typename Warp::F32 TermsOfLists(Warp& warp, const QuantizerView& quantizer,
                                          const float* query, typename Warp::U32 list,
                                          typename Warp::Mask mask) {
  const auto row = warp.Wide(list) * uint64_t{quantizer.dimension};
  const auto sum = SumOfHalves(warp, quantizer.dimension, [&](auto j, auto inside) {
    const auto of_query = warp.LoadIf(inside, query, j);
    const auto of_list = warp.LoadIf(inside && mask, quantizer.centroids, row + warp.Wide(j));
    const auto difference = of_query - of_list;
    return quantizer.inner_product ? of_query * of_list : difference * difference;
  });
  return warp.OrInfinity(quantizer.inner_product ? -sum : sum);
}

// Exact ranks of stored u8 vectors.
template <class Warp>
KITH_BODY typename Warp::F32 RankRaw(Warp& warp, const BatchView& batch, uint32_t query,
                                     typename Warp::U32 slot, typename Warp::Mask mask) {
  const uint32_t dimension = batch.quantizer.dimension;
  const uint8_t* bytes = batch.bytes + size_t{query} * dimension;
  const auto row = warp.Wide(slot) * uint64_t{dimension};
  const auto sum = IntegerSumOfHalves(warp, dimension, [&](auto j, auto inside) {
    const auto of_query = warp.LoadByteIf(inside, bytes, warp.Wide(j));
    const auto stored = warp.LoadByteIf(inside && mask, batch.slab.plane_b, row + warp.Wide(j));
    const auto difference = of_query - stored;
    return batch.quantizer.inner_product ? of_query * stored : difference * difference;
  });
  // At most 4096 * 255²: the integer is positive as a signed one too.
  const auto value = warp.ToFloat(sum);
  return batch.quantizer.inner_product ? -value : value;
}

// The constant part of plane B's products, added up as the CPU does.
KITH_ANYWHERE float RefineConstant(const float* query, const float* refine_min,
                                   uint32_t dimension) {
  float constant = 0;
  for (uint32_t j = 0; j < dimension; ++j) {
    const float product = query[j] * refine_min[j];
    constant = constant + product;
  }
  return constant;
}

// Ranks by the 8-bit code of the residual.
template <class Warp>
KITH_BODY typename Warp::F32 RankResidual(Warp& warp, const BatchView& batch, uint32_t query,
                                          typename Warp::U32 slot, typename Warp::Mask mask) {
  const QuantizerView& quantizer = batch.quantizer;
  const uint32_t dimension = quantizer.dimension;
  const float* of_query = batch.vectors + size_t{query} * dimension;
  const auto list = warp.LoadIf(mask, batch.slab.page_lists, slot / batch.slab.page_vectors);
  const auto row = warp.Wide(slot) * uint64_t{dimension};
  const auto code_at = [&](auto j, auto inside) {
    return warp.ToFloat(warp.LoadByteIf(inside && mask, batch.slab.plane_b, row + warp.Wide(j)));
  };
  if (quantizer.inner_product) {
    const auto product = SumOfHalves(warp, dimension, [&](auto j, auto inside) {
      const auto scaled =
          warp.LoadIf(inside, of_query, j) * warp.LoadIf(inside, quantizer.refine_scale, j);
      return scaled * code_at(j, inside);
    });
    const auto term = TermsOfLists(warp, quantizer, of_query, list, mask);
    const float constant = RefineConstant(of_query, quantizer.refine_min, dimension);
    return warp.OrInfinity((term - constant) - product);
  }
  const auto centroid = warp.Wide(list) * uint64_t{dimension};
  const auto sum = SumOfHalves(warp, dimension, [&](auto j, auto inside) {
    const auto coarse = warp.LoadIf(inside && mask, quantizer.centroids, centroid + warp.Wide(j));
    const auto offset =
        (warp.LoadIf(inside, of_query, j) - coarse) - warp.LoadIf(inside, quantizer.refine_min, j);
    const auto difference =
        offset - warp.LoadIf(inside, quantizer.refine_scale, j) * code_at(j, inside);
    return difference * difference;
  });
  return warp.OrInfinity(sum);
}

// Replaces the order of each entry by the one of plane B.
template <class Block>
KITH_BODY void RefineEntries(Block& block, const BatchView& batch, uint32_t query,
                             uint64_t* entries, uint32_t count) {
  block.Phase([&](auto& warp) {
    for (uint32_t first = warp.index() * 2; first < count; first += warp.count() * 2) {
      const auto at = warp.lane() / kSumLanes + first;
      const auto mask = at < count;
      const auto slot = warp.LowOf(warp.LoadIf(mask, entries, at));
      const auto rank = batch.quantizer.raw_plane_b ? RankRaw(warp, batch, query, slot, mask)
                                                    : RankResidual(warp, batch, query, slot, mask);
      const auto writes = mask && (warp.lane() & (kSumLanes - 1)) == 0u;
      warp.StoreIf(writes, entries, at, warp.Join(warp.OrderOf(rank), slot));
    }
  });
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_REFINE_BODY_H_
