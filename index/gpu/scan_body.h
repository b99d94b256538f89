#ifndef KITH_INDEX_GPU_SCAN_BODY_H_
#define KITH_INDEX_GPU_SCAN_BODY_H_

#include <cstdint>
#include <type_traits>

#include "index/gpu/block_scratch.h"
#include "index/gpu/card_views.h"
#include "index/gpu/lookup_body.h"
#include "index/gpu/portable.h"
#include "index/gpu/tile_schedule.h"

// Plane A: pages of the probed lists against a query's table. A vector whose rank may matter
// becomes an entry (order of its rank, slot).
namespace kith::index::gpu {

// A run of work of one query: which block of how many looks at which lists.
struct ScanWork {
  uint32_t query = 0;
  uint32_t slice = 0;
  uint32_t slices = 1;
  ListRange lists;
  uint64_t* entries = nullptr;
};

// What ranks of one list's vectors are made of.
struct RankTerms {
  float base;
  float bias_scale;
  float step;
};

// A page, or what a list has of it.
struct PagePiece {
  uint32_t page;
  uint32_t count;
  float base;
};

// Whether a row may be answered.
template <class Warp>
KITH_BODY typename Warp::Mask IsWanted(Warp& warp, const BatchView& batch, typename Warp::U32 slot,
                                       typename Warp::Mask mask) {
  if (batch.dead_rows == nullptr && batch.allowed_rows == nullptr) return mask;
  const auto row = warp.LoadIf(mask, batch.slab.rows, slot);
  if (batch.dead_rows != nullptr) {
    const auto word = warp.LoadIf(mask, batch.dead_rows, row >> 5u);
    mask = mask && (word >> (row & 31u) & 1u) == 0u;
  }
  if (batch.allowed_rows != nullptr) {
    const auto word = warp.LoadIf(mask, batch.allowed_rows, row >> 5u);
    mask = mask && (word >> (row & 31u) & 1u) != 0u;
  }
  return mask;
}

// Appends the lanes of `reached`, as far as there is room; how many asked is counted in any case.
template <class Warp>
KITH_BODY void AppendReached(Warp& warp, const BatchView& batch, const ScanWork& work,
                             typename Warp::U32 order, typename Warp::U32 slot,
                             typename Warp::Mask reached) {
  reached = IsWanted(warp, batch, slot, reached);
  if (!warp.Any(reached)) return;
  const uint32_t begin = warp.AtomicAdd(&batch.states[work.query].appended, warp.CountOf(reached));
  const auto at = warp.RankIn(reached) + begin;
  warp.StoreIf(reached && at < batch.capacity, work.entries, at, warp.Join(order, slot));
}

// The float arithmetic of PlaneAScan::ScanPart, so that ranks are equal to the bit.
template <class Warp>
KITH_BODY typename Warp::U32 OrderOfRank(Warp& warp, const RankTerms& terms, typename Warp::U32 sum,
                                         typename Warp::U32 bias) {
  const auto rank =
      (warp.ToFloat(bias) * terms.bias_scale + terms.base) + warp.ToFloat(sum) * terms.step;
  return warp.OrderOf(warp.OrInfinity(rank));
}

// Vectors of a page that follow one another, from a group on.
struct GroupRun {
  uint32_t page;
  uint32_t first_group;
  uint32_t count;         // of vectors
  const uint32_t* table;  // that they are looked up in
};

// Calls visit(slots, mask, sums, biases) for every 32 of a run, `mask` naming those that it has.
template <class Warp, uint32_t kParts, uint32_t kWords, class Visit>
KITH_BODY void SumRun(Warp& warp, const BatchView& batch, const GroupRun& run, const Visit& visit) {
  const ScanShape& shape = batch.quantizer.shape;
  const uint32_t group_words = shape.group_bytes() / 4;
  const uint32_t page_groups = batch.slab.page_vectors / kGroupVectors;
  const auto* group = reinterpret_cast<const uint32_t*>(batch.slab.codes) +
                      (size_t{run.page} * page_groups + run.first_group) * group_words;
  const uint32_t first_slot = run.page * batch.slab.page_vectors + run.first_group * kGroupVectors;
  GroupCodes<Warp, kParts, kWords> next;
  LoadGroup<Warp, kParts, kWords>(warp, group, next);
  for (uint32_t first = 0; first < run.count; first += kGroupVectors, group += group_words) {
    const GroupCodes<Warp, kParts, kWords> codes = next;
    const auto bias =
        warp.LoadBias(reinterpret_cast<const uint16_t*>(group), warp.lane() + BiasOffset(shape, 0));
    // On their way while these are looked up.
    if (first + kGroupVectors < run.count) {
      LoadGroup<Warp, kParts, kWords>(warp, group + group_words, next);
    }
    const auto sum = SumLookups<Warp, kParts, kWords>(warp, run.table, codes);
    visit(warp.lane() + (first_slot + first), warp.lane() + first < run.count, sum, bias);
  }
}

template <class Warp, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanPage(Warp& warp, const BatchView& batch, const ScanWork& work,
                        const PagePiece& piece, const BlockScratch& scratch) {
  const uint32_t threshold = batch.states[work.query].threshold;
  const RankTerms terms = {piece.base, batch.quantizer.bias_scale, scratch.scalars->step};
  SumRun<Warp, kParts, kWords>(warp, batch, {piece.page, 0, piece.count, scratch.table},
                               [&](auto slot, auto inside, auto sum, auto bias) {
                                 const auto order = OrderOfRank(warp, terms, sum & 0xffffu, bias);
                                 const auto reached = inside && order <= threshold;
                                 if (warp.Any(reached))
                                   AppendReached(warp, batch, work, order, slot, reached);
                               });
}

// Scans this block's share of the planned tiles.
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanTiles(Block& block, const BatchView& batch, const ScanWork& work,
                         const BlockScratch& scratch) {
  const uint32_t total = block.Read(scratch.scalars->tiles);
  const uint32_t* firsts = TileFirsts(batch, work.query, work.slice, work.slices);
  const Probe* probes = ProbesOf(batch, work.query);
  block.Phase([&](auto& warp) {
    using Warp = std::remove_reference_t<decltype(warp)>;
    const TileShare share =
        ShareOf(total, work.slice * warp.count() + warp.index(), work.slices * warp.count());
    if (share.begin >= share.end) return;
    uint32_t item = ItemOf(firsts, work.lists.items(batch.segment_count), share.begin);
    for (uint32_t tile = share.begin; tile < share.end; ++tile) {
      while (tile >= firsts[item + 1]) ++item;
      const Probe& probe = probes[work.lists.begin + item / batch.segment_count];
      const SegmentView& segment = batch.segments[item % batch.segment_count];
      const uint32_t in_list = tile - firsts[item];
      const uint32_t left = segment.counts[probe.list] - in_list * batch.slab.page_vectors;
      const PagePiece piece = {segment.pages[segment.begins[probe.list] + in_list],
                               left < batch.slab.page_vectors ? left : batch.slab.page_vectors,
                               BaseOf(batch.quantizer, probe.term, scratch.scalars->minimum_sum)};
      ScanPage<Warp, kParts, kWords>(warp, batch, work, piece, scratch);
    }
  });
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_SCAN_BODY_H_
