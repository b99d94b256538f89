#ifndef KITH_INDEX_GPU_TILE_SCHEDULE_H_
#define KITH_INDEX_GPU_TILE_SCHEDULE_H_

#include <cstddef>
#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"

// Which pages a query's scan looks at, and which warp looks at which. A tile is a page of a probed
// list of a segment; tiles are numbered through in order of the lists, so that a warp's share is a
// run of neighbouring pages.
namespace kith::index::gpu {

constexpr uint32_t kFirstLists = 4;  // scanned whatever the stop ratio says, as on the CPU

struct ListRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  KITH_ANYWHERE bool is_empty() const { return begin >= end; }
  KITH_ANYWHERE uint32_t items(uint32_t segments) const { return (end - begin) * segments; }
};

KITH_ANYWHERE bool HasStop(const QueryRecord& record) { return record.stop_ratio < 3e38f; }

// Lists are scanned in rounds: between two of them the threshold falls to what is known by then.
// The first few lists set it; with a stop ratio the rounds double from there, because the ratio
// needs a threshold of now, and without one everything else is one round. What a round covers
// depends on the query alone, so that the answer does not depend on the batch.
KITH_ANYWHERE ListRange ListsOfRound(const QueryRecord& record, uint32_t round) {
  ListRange range;
  if (round == 0) {
    range.end = kFirstLists;
  } else if (HasStop(record)) {
    range.begin = round < 30 ? kFirstLists << (round - 1) : record.nprobe;
    range.end = range.begin * 2;
  } else {
    range.begin = round == 1 ? kFirstLists : record.nprobe;
    range.end = record.nprobe;
  }
  if (range.begin > record.nprobe) range.begin = record.nprobe;
  if (range.end > record.nprobe) range.end = record.nprobe;
  return range;
}

struct TileShare {
  uint32_t begin;
  uint32_t end;
};
KITH_ANYWHERE TileShare ShareOf(uint32_t tiles, uint32_t unit, uint32_t units) {
  const auto at = [&](uint64_t i) { return static_cast<uint32_t>(uint64_t{tiles} * i / units); };
  return {at(unit), at(uint64_t{unit} + 1)};
}

// The item that `tile` belongs to; firsts has items + 1 ascending numbers, the last one above it.
KITH_ANYWHERE uint32_t ItemOf(const uint32_t* firsts, uint32_t items, uint32_t tile) {
  uint32_t low = 0;
  uint32_t high = items;
  while (high - low > 1) {
    const uint32_t middle = low + (high - low) / 2;
    if (firsts[middle] <= tile) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

// The scratch of one block of a query: the number of the first tile of each item.
KITH_ANYWHERE uint32_t* TileFirsts(const BatchView& batch, uint32_t query, uint32_t slice,
                                   uint32_t slices) {
  const size_t stride = size_t{batch.probes_max} * batch.segment_count + 1;
  return batch.tiles + (size_t{query} * slices + slice) * stride;
}

// The least rank of a list, in the order of the CPU's additions.
KITH_ANYWHERE float BaseOf(const QuantizerView& quantizer, float term, float minimum_sum) {
  const float with_bias = term + quantizer.bias_min;
  return with_bias + minimum_sum;
}

// Whether the round of a query has anything left to do.
KITH_ANYWHERE bool IsRoundOver(const QueryState& state, const ListRange& lists) {
  return lists.is_empty() || state.overflow != Overflow::kNone || state.is_stopped != 0;
}

KITH_ANYWHERE const Probe* ProbesOf(const BatchView& batch, uint32_t query) {
  return batch.probes + size_t{query} * batch.probes_max;
}

// Whether a list lies beyond the stop ratio, and with it all after it.
KITH_ANYWHERE bool IsBeyondStop(const QueryRecord& record, const Probe* probes, uint32_t order,
                                float threshold) {
  return HasStop(record) && order >= kFirstLists &&
         probes[order].term > record.stop_ratio * threshold;
}

// What a query knows before it scans a list.
struct ScanLimits {
  float threshold;
  float minimum_sum;
};
// Whether the list is beyond the stop ratio, or cannot hold anything nearer than the threshold.
KITH_ANYWHERE bool IsLeftOut(const BatchView& batch, uint32_t query, uint32_t order,
                             const ScanLimits& limits) {
  const Probe* probes = ProbesOf(batch, query);
  const bool is_far = IsBeyondStop(batch.records[query], probes, order, limits.threshold);
  return is_far ||
         BaseOf(batch.quantizer, probes[order].term, limits.minimum_sum) > limits.threshold;
}

// Who plans and who counts: where several blocks share a query, one of them does the latter.
struct PlanTask {
  uint32_t query;
  uint32_t slice;
  uint32_t slices;
  ListRange lists;
};

// Numbers the tiles of a round. Lists that cannot hold anything nearer than the threshold have
// none; from the first that lies beyond the stop ratio on, all are left out, for good.
template <class Block>
KITH_BODY void PlanTiles(Block& block, const BatchView& batch, const PlanTask& task,
                         const BlockScratch& scratch) {
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    const Probe* probes = ProbesOf(batch, task.query);
    const ScanLimits limits = {warp.FloatOf(batch.states[task.query].threshold),
                               scratch.scalars->minimum_sum};
    uint32_t* firsts = TileFirsts(batch, task.query, task.slice, task.slices);
    const uint32_t items = task.lists.items(batch.segment_count);
    uint32_t tiles = 0;
    for (uint32_t first = 0; first < items; first += kWarpLanes) {
      auto pages = warp.Zero();
      warp.EachLane(
          [&](uint32_t lane, auto& of_lane) {
            const uint32_t item = first + lane;
            if (item >= items) return;
            const uint32_t order = task.lists.begin + item / batch.segment_count;
            if (IsLeftOut(batch, task.query, order, limits)) return;
            const SegmentView& segment = batch.segments[item % batch.segment_count];
            of_lane = segment.begins[probes[order].list + 1] - segment.begins[probes[order].list];
          },
          pages);
      warp.StoreIf(warp.lane() + first < items, firsts, warp.lane() + first,
                   warp.SumBefore(pages) + tiles);
      tiles += warp.Sum(pages);
    }
    warp.StoreOne(firsts + items, tiles);
    warp.StoreOne(&scratch.scalars->tiles, tiles);
  });
}

// Adds up what a round probes, and notes when the stop ratio has ended the search.
template <class Block>
KITH_BODY void CountRound(Block& block, const BatchView& batch, const PlanTask& task) {
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    const QueryRecord& record = batch.records[task.query];
    QueryState& state = batch.states[task.query];
    const Probe* probes = ProbesOf(batch, task.query);
    const float threshold = warp.FloatOf(state.threshold);
    uint32_t probed = 0;
    uint64_t rows = 0;
    bool is_far = false;
    for (uint32_t order = task.lists.begin; order < task.lists.end && !is_far; ++order) {
      is_far = IsBeyondStop(record, probes, order, threshold);
      if (is_far) break;
      ++probed;
      for (uint32_t i = 0; i < batch.segment_count; ++i) {
        rows += batch.segments[i].counts[probes[order].list];
      }
    }
    warp.StoreOne(&state.lists_probed, state.lists_probed + probed);
    warp.StoreOne(&state.rows_scanned, state.rows_scanned + rows);
    if (is_far) warp.StoreOne(&state.is_stopped, 1u);
  });
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_TILE_SCHEDULE_H_
