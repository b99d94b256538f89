#ifndef KITH_INDEX_GPU_PAIR_BODY_H_
#define KITH_INDEX_GPU_PAIR_BODY_H_

#include <cstdint>
#include <type_traits>

#include "index/gpu/query_body.h"

// Batches whose queries share lists: a list is scanned for two of them at a time, so that its codes
// are read once for both and a look-up serves both. Each query keeps its table in bytes. In a round
// the visits are counted by list (CountVisits), every list gets places for its own (PlanVisits),
// they are put there (PlaceVisits), and blocks scan for two neighbours at a time (ScanPairs). What
// a round scans of a list, and what comes after it, is as where blocks share a query.
namespace kith::index::gpu {

KITH_ANYWHERE uint32_t* KeptTable(const BatchView& batch, uint32_t query) {
  const size_t bytes = size_t{query} * batch.quantizer.shape.padded() * kCodes;
  return reinterpret_cast<uint32_t*>(batch.pairs.tables + bytes);
}

// Before the rounds, a block a query.
template <class Block>
KITH_BODY void KeepTable(Block& block, const BatchView& batch, uint32_t query,
                         const BlockScratch& scratch) {
  if (block.Read(batch.states[query].overflow) != Overflow::kNone) return;
  const float* vector = batch.vectors + size_t{query} * batch.quantizer.dimension;
  MakeByteTable(block, batch.quantizer, vector, scratch);
  uint32_t* kept = KeptTable(batch, query);
  block.Phase([&](auto& warp) {
    const auto* rows = reinterpret_cast<const uint32_t*>(scratch.bytes);
    for (uint32_t m = warp.index(); m < batch.quantizer.shape.padded(); m += warp.count()) {
      for (uint32_t first = 0; first < kCodes / 4; first += kWarpLanes) {
        const auto word = warp.lane() + first;
        warp.Store(kept, word + m * (kCodes / 4), warp.LoadShared(rows, word + m * (kByteRow / 4)));
      }
    }
    if (warp.index() != 0) return;
    const TableScale scale = {scratch.scalars->step, scratch.scalars->minimum_sum};
    warp.StoreOne(batch.pairs.scales + query, scale);
  });
}

// A kept table as a half of the block's skewed one.
template <class Block>
KITH_BODY void FetchTable(Block& block, const BatchView& batch, uint32_t query, TableHalf half,
                          const BlockScratch& scratch) {
  const uint32_t* kept = KeptTable(batch, query);
  block.Phase([&](auto& warp) {
    auto* rows = reinterpret_cast<uint32_t*>(scratch.bytes);
    for (uint32_t m = warp.index(); m < batch.quantizer.shape.padded(); m += warp.count()) {
      for (uint32_t first = 0; first < kCodes / 4; first += kWarpLanes) {
        const auto word = warp.lane() + first;
        warp.StoreShared(rows, word + m * (kByteRow / 4), warp.Load(kept, word + m * (kCodes / 4)));
      }
    }
  });
  SpreadTable(block, batch.quantizer.shape, scratch, half);
}

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

// Calls visit(warp, mask, lists, orders) for the lists that a query scans in a round.
template <class Block, class Visit>
KITH_BODY void EachVisit(Block& block, const BatchView& batch, uint32_t query, uint32_t round,
                         const Visit& visit) {
  const ListRange lists = ListsOfRound(batch.records[query], round);
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
  EachVisit(block, batch, query, round, [&](auto& warp, auto mask, auto list, auto) {
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
  EachVisit(block, batch, query, round, [&](auto& warp, auto mask, auto list, auto order) {
    const auto left = warp.AtomicDecrementIf(mask, pairs.counts, list);
    const auto at = warp.LoadIf(mask, pairs.begins, list) + left;
    warp.StoreIf(mask, pairs.visits, at, warp.Join(warp.Zero() + query, order));
  });
}

// One of the two that a list is scanned for.
struct PairSide {
  ScanWork work;
  RankTerms terms;
  uint32_t threshold;
  uint32_t list;
};

KITH_ANYWHERE PairSide SideOf(const BatchView& batch, uint32_t round, uint64_t visit) {
  const auto query = static_cast<uint32_t>(visit >> 32);
  const Probe& probe = ProbesOf(batch, query)[static_cast<uint32_t>(visit)];
  const TableScale& scale = batch.pairs.scales[query];
  PairSide side;
  side.work.query = query;
  side.work.entries = EntriesOfRound(batch, query, round);
  side.terms = {BaseOf(batch.quantizer, probe.term, scale.minimum_sum), batch.quantizer.bias_scale,
                scale.step};
  side.threshold = batch.states[query].threshold;
  side.list = probe.list;
  return side;
}

// This warp's share of the list, whose groups are numbered through its segments.
template <class Warp, class ScanRun>
KITH_BODY void EachRunOfList(Warp& warp, const BatchView& batch, uint32_t list,
                             const ScanRun& scan) {
  const TileShare share = ShareOf(GroupsOfList(batch, list), warp.index(), warp.count());
  const uint32_t page_groups = batch.slab.page_vectors / kGroupVectors;
  uint32_t before = 0;  // groups of the segments before
  for (uint32_t i = 0; i < batch.segment_count && before < share.end; ++i) {
    const SegmentView& segment = batch.segments[i];
    const uint32_t count = segment.counts[list];
    const uint32_t groups = GroupsOf(count);
    uint32_t at = share.begin > before ? share.begin - before : 0;
    const uint32_t end = share.end - before < groups ? share.end - before : groups;
    while (at < end) {
      const uint32_t in_page = at % page_groups;
      const uint32_t run = page_groups - in_page < end - at ? page_groups - in_page : end - at;
      const uint32_t left = count - at * kGroupVectors;
      const uint32_t page = segment.pages[segment.begins[list] + at / page_groups];
      scan(GroupRun{page, in_page, run * kGroupVectors < left ? run * kGroupVectors : left});
      at += run;
    }
    before += groups;
  }
}

template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanPair(Block& block, const BatchView& batch, uint32_t round, uint32_t pair,
                        const BlockScratch& scratch) {
  const uint64_t* visits = batch.pairs.visits + size_t{pair} * 2;
  const bool is_alone = visits[1] == kNoVisit;
  const PairSide one = SideOf(batch, round, visits[0]);
  const PairSide other = is_alone ? one : SideOf(batch, round, visits[1]);
  FetchTable(block, batch, one.work.query, TableHalf::kFirst, scratch);
  if (!is_alone) FetchTable(block, batch, other.work.query, TableHalf::kSecond, scratch);
  block.Phase([&](auto& warp) {
    using Warp = std::remove_reference_t<decltype(warp)>;
    const auto offer = [&](const PairSide& side, auto slot, auto inside, auto sum, auto bias) {
      const auto order = OrderOfRank(warp, side.terms, sum, bias);
      const auto reached = inside && order <= side.threshold;
      if (warp.Any(reached)) AppendReached(warp, batch, side.work, order, slot, reached);
    };
    EachRunOfList(warp, batch, one.list, [&](const GroupRun& run) {
      SumRun<Warp, kParts, kWords>(warp, batch, run, scratch.table,
                                   [&](auto slot, auto inside, auto sums, auto bias) {
                                     offer(one, slot, inside, sums & 0xffffu, bias);
                                     if (!is_alone) offer(other, slot, inside, sums >> 16u, bias);
                                   });
    });
  });
}

// One of `blocks`: every so many pairs of a round.
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanPairs(Block& block, const BatchView& batch, uint32_t round, uint32_t first,
                         uint32_t blocks, const BlockScratch& scratch) {
  const uint32_t pairs = block.Read(batch.pairs.begins[batch.quantizer.lists]) / 2;
  for (uint32_t pair = first; pair < pairs; pair += blocks) {
    ScanPair<Block, kParts, kWords>(block, batch, round, pair, scratch);
  }
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_PAIR_BODY_H_
