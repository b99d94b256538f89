#ifndef KITH_INDEX_GPU_VISIT_BODY_H_
#define KITH_INDEX_GPU_VISIT_BODY_H_

#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"
#include "index/gpu/tile_schedule.h"

// Which queries want which list in a round: the visits are counted by list (CountVisits), every
// list gets places for its own, an even number (PlanVisits), and they are put there (PlaceVisits).
namespace kith::index::gpu {

KITH_ANYWHERE uint32_t GroupsOf(uint32_t vectors) {
  return (vectors + kGroupVectors - 1) / kGroupVectors;
}
// Of all segments.
KITH_ANYWHERE uint32_t GroupsOfList(const BatchView& batch, uint32_t list) {
  uint32_t groups = 0;
  for (uint32_t i = 0; i < batch.segment_count; ++i) {
    groups += GroupsOf(batch.segments[i].counts[list]);
  }
  return groups;
}

struct QueryRound {
  uint32_t query;
  uint32_t round;
};
// Calls visit(warp, mask, lists, orders) for the lists that a query scans in a round.
template <class Block, class Visit>
KITH_BODY void EachVisit(Block& block, const BatchView& batch, const QueryRound& of,
                         const Visit& visit) {
  const uint32_t query = of.query;
  const ListRange lists = ListsOfRound(batch.records[query], of.round);
  if (IsRoundOver(batch.states[query], lists)) return;
  const Probe* probes = ProbesOf(batch, query);
  block.Phase([&](auto& warp) {
    const ScanLimits limits = {warp.FloatOf(batch.states[query].threshold),
                               batch.pairs.scales[query].minimum_sum};
    const uint32_t step = warp.count() * kWarpLanes;
    for (uint32_t first = lists.begin + warp.index() * kWarpLanes; first < lists.end;
         first += step) {
      auto above = warp.Zero();  // the number after the list's
      warp.EachLane(
          [&](uint32_t lane, auto& of_lane) {
            const uint32_t order = first + lane;
            if (order >= lists.end || IsLeftOut(batch, query, order, limits)) return;
            if (GroupsOfList(batch, probes[order].list) > 0) of_lane = probes[order].list + 1;
          },
          above);
      visit(warp, above != 0u, above - 1u, warp.lane() + first);
    }
  });
}

template <class Block>
KITH_BODY void CountVisits(Block& block, const BatchView& batch, uint32_t query, uint32_t round) {
  EachVisit(block, batch, {query, round}, [&](auto& warp, auto mask, auto list, auto) {
    warp.AtomicIncrementIf(mask, batch.pairs.counts, list);
  });
}

// One block: where the visits of each list begin.
template <class Block>
KITH_BODY void PlanVisits(Block& block, const BatchView& batch, const BlockScratch& scratch) {
  const PairView& pairs = batch.pairs;
  const uint32_t lists = batch.quantizer.lists;
  uint32_t* sums = scratch.histogram;  // of the warps' lists
  block.Phase([&](auto& warp) {
    const TileShare share = ShareOf(lists, warp.index(), warp.count());
    uint32_t sum = 0;
    for (uint32_t first = share.begin; first < share.end; first += kWarpLanes) {
      const auto list = warp.lane() + first;
      sum += warp.Sum((warp.LoadIf(list < share.end, pairs.counts, list) + 1u) & ~1u);
    }
    warp.StoreOne(sums + warp.index(), sum);
  });
  block.Phase([&](auto& warp) {
    const TileShare share = ShareOf(lists, warp.index(), warp.count());
    uint32_t begin = 0;
    for (uint32_t before = 0; before < warp.index(); ++before) begin += sums[before];
    for (uint32_t first = share.begin; first < share.end; first += kWarpLanes) {
      const auto list = warp.lane() + first;
      const auto count = warp.LoadIf(list < share.end, pairs.counts, list);
      const auto places = (count + 1u) & ~1u;
      const auto at = warp.SumBefore(places) + begin;
      warp.StoreIf(list < share.end, pairs.begins, list, at);
      warp.StoreIf(count < places, pairs.visits, at + count, warp.AllOnes64());
      begin += warp.Sum(places);
    }
    if (warp.index() + 1 == warp.count()) warp.StoreOne(pairs.begins + lists, begin);
  });
}

// The counts are 0 again afterwards.
template <class Block>
KITH_BODY void PlaceVisits(Block& block, const BatchView& batch, uint32_t query, uint32_t round) {
  const PairView& pairs = batch.pairs;
  EachVisit(block, batch, {query, round}, [&](auto& warp, auto mask, auto list, auto order) {
    const auto left = warp.AtomicDecrementIf(mask, pairs.counts, list);
    const auto at = warp.LoadIf(mask, pairs.begins, list) + left;
    warp.StoreIf(mask, pairs.visits, at, warp.Join(warp.Zero() + query, order));
  });
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_VISIT_BODY_H_
