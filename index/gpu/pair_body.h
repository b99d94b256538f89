#ifndef KITH_INDEX_GPU_PAIR_BODY_H_
#define KITH_INDEX_GPU_PAIR_BODY_H_

#include <cstdint>
#include <type_traits>

#include "index/gpu/query_body.h"
#include "index/gpu/visit_body.h"

// Batches whose queries share lists: a list is scanned for two of them at a time, so that its codes
// are read once for both and a look-up serves both. Each query keeps its table in bytes; in a round
// the visits are gathered by list (visit_body.h), and blocks scan for two neighbours at a time.
// What a round scans of a list, and what comes after it, is as where blocks share a query.
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

struct KeptHalf {
  uint32_t query;
  TableHalf half;
};
// A kept table as a half of the block's skewed one.
template <class Block>
KITH_BODY void FetchTable(Block& block, const BatchView& batch, const KeptHalf& table,
                          const BlockScratch& scratch) {
  const uint32_t* kept = KeptTable(batch, table.query);
  block.Phase([&](auto& warp) {
    auto* rows = reinterpret_cast<uint32_t*>(scratch.bytes);
    for (uint32_t m = warp.index(); m < batch.quantizer.shape.padded(); m += warp.count()) {
      for (uint32_t first = 0; first < kCodes / 4; first += kWarpLanes) {
        const auto word = warp.lane() + first;
        warp.StoreShared(rows, word + m * (kByteRow / 4), warp.Load(kept, word + m * (kCodes / 4)));
      }
    }
  });
  SpreadTable(block, batch.quantizer.shape, scratch, table.half);
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

// Calls scan(page, first_group, vectors) for this warp's share of the list, whose groups are
// numbered through its segments.
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
      scan(page, in_page, run * kGroupVectors < left ? run * kGroupVectors : left);
      at += run;
    }
    before += groups;
  }
}

struct PairOfRound {
  uint32_t round;
  uint32_t pair;
};
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanPair(Block& block, const BatchView& batch, const PairOfRound& of,
                        const BlockScratch& scratch) {
  const uint64_t* visits = batch.pairs.visits + size_t{of.pair} * 2;
  const bool is_alone = visits[1] == kNoVisit;
  const PairSide one = SideOf(batch, of.round, visits[0]);
  const PairSide other = is_alone ? one : SideOf(batch, of.round, visits[1]);
  FetchTable(block, batch, {one.work.query, TableHalf::kFirst}, scratch);
  if (!is_alone) FetchTable(block, batch, {other.work.query, TableHalf::kSecond}, scratch);
  block.Phase([&](auto& warp) {
    using Warp = std::remove_reference_t<decltype(warp)>;
    const auto offer = [&](const PairSide& side, auto slot, auto inside, auto sum, auto bias) {
      const auto order = OrderOfRank(warp, side.terms, sum, bias);
      const auto reached = inside && order <= side.threshold;
      if (warp.Any(reached)) AppendReached(warp, batch, side.work, order, slot, reached);
    };
    const auto scan = [&](uint32_t page, uint32_t first_group, uint32_t count) {
      const GroupRun run = {page, first_group, count, scratch.table};
      SumRun<Warp, kParts, kWords>(warp, batch, run,
                                   [&](auto slot, auto inside, auto sums, auto bias) {
                                     offer(one, slot, inside, sums & 0xffffu, bias);
                                     if (!is_alone) offer(other, slot, inside, sums >> 16u, bias);
                                   });
    };
    EachRunOfList(warp, batch, one.list, scan);
  });
}

// A block's share of a round: every `blocks`-th pair from `first` on.
struct PairShare {
  uint32_t round;
  uint32_t first;
  uint32_t blocks;
};
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanPairs(Block& block, const BatchView& batch, const PairShare& share,
                         const BlockScratch& scratch) {
  const uint32_t pairs = block.Read(batch.pairs.begins[batch.quantizer.lists]) / 2;
  for (uint32_t pair = share.first; pair < pairs; pair += share.blocks) {
    ScanPair<Block, kParts, kWords>(block, batch, {share.round, pair}, scratch);
  }
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_PAIR_BODY_H_
