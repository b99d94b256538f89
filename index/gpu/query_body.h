#ifndef KITH_INDEX_GPU_QUERY_BODY_H_
#define KITH_INDEX_GPU_QUERY_BODY_H_

#include <cstdint>

#include "index/gpu/refine_body.h"
#include "index/gpu/scan_body.h"
#include "index/gpu/select_body.h"
#include "index/gpu/sort_body.h"
#include "index/gpu/table_body.h"
#include "index/gpu/tile_schedule.h"

// From a query's probes to its result. In a large batch one block does all of it (AnswerQuery); in
// a small one a round's tiles are shared by several blocks (ScanSlice), then one of them cuts
// (CutRound), and in the end one finishes (FinishQuery).
namespace kith::index::gpu {

// Which of a query's two arrays of entries the round with this number appends to.
KITH_ANYWHERE uint64_t* EntriesOfRound(const BatchView& batch, uint32_t query, uint32_t round) {
  return batch.entries + (size_t{query} * 2 + round % 2) * batch.capacity;
}

template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanSlice(Block& block, const BatchView& batch, ScanWork work,
                         const BlockScratch& scratch) {
  PlanTiles(block, batch, {work.query, work.slice, work.slices, work.lists}, scratch);
  ScanTiles<Block, kParts, kWords>(block, batch, work, scratch);
}

// Where more came than there is room for: what came is a sample, and the refine-th of it a
// threshold under which fewer will come. False where it is no lower: then ties alone fill the room.
template <class Block>
KITH_BODY bool TightenThreshold(Block& block, const BatchView& batch, uint32_t query,
                                const uint64_t* entries, const BlockScratch& scratch) {
  const uint32_t depth = batch.records[query].refine;
  const uint32_t before = block.Read(batch.states[query].threshold);
  if (depth > batch.capacity) return false;
  const uint32_t tighter = SelectKth(block, EntryKeys{entries}, batch.capacity, depth, scratch);
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    QueryState& state = batch.states[query];
    warp.StoreOne(&state.threshold, tighter);
    warp.StoreOne(&state.appended, state.kept);
    warp.StoreOne(&state.is_cut, 1u);
  });
  return tighter < before;
}

// After a round: keeps the best `refine` entries and those that equal the last of them, in the
// other array, and lowers the threshold to it.
template <class Block>
KITH_BODY void CutRound(Block& block, const BatchView& batch, uint32_t query, uint32_t round,
                        const BlockScratch& scratch) {
  const uint64_t* entries = EntriesOfRound(batch, query, round);
  const uint32_t depth = batch.records[query].refine;
  const uint32_t count = block.ReadFresh(batch.states[query].appended);
  uint32_t limit = block.Read(batch.states[query].threshold);
  if (count > depth) limit = SelectKth(block, EntryKeys{entries}, count, depth, scratch);
  const uint32_t kept =
      CopyAtMost(block, entries, count, limit, EntriesOfRound(batch, query, round + 1), scratch);
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    QueryState& state = batch.states[query];
    warp.StoreOne(&state.threshold, limit);
    warp.StoreOne(&state.appended, kept);
    warp.StoreOne(&state.kept, kept);
    warp.StoreOne(&state.rounds, round + 1);
    if (count > depth) warp.StoreOne(&state.is_cut, 1u);
  });
}

template <class Block>
KITH_BODY void SetOverflow(Block& block, const BatchView& batch, uint32_t query,
                           Overflow overflow) {
  block.Phase([&](auto& warp) {
    if (warp.index() == 0) warp.StoreOne(&batch.states[query].overflow, overflow);
  });
}

// Scans the rounds of a query, all by this block.
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void ScanRounds(Block& block, const BatchView& batch, uint32_t query,
                          const BlockScratch& scratch) {
  for (uint32_t round = 0;; ++round) {
    const ListRange lists = ListsOfRound(batch.records[query], round);
    if (lists.is_empty() || block.Read(batch.states[query].is_stopped) != 0) return;
    CountRound(block, batch, {query, 0, 1, lists});
    uint64_t* entries = EntriesOfRound(batch, query, round);
    for (;;) {
      ScanSlice<Block, kParts, kWords>(block, batch, {query, 0, 1, lists, entries}, scratch);
      if (block.ReadFresh(batch.states[query].appended) <= batch.capacity) break;
      if (!TightenThreshold(block, batch, query, entries, scratch)) {
        return SetOverflow(block, batch, query, Overflow::kOfTies);
      }
    }
    CutRound(block, batch, query, round, scratch);
  }
}

// Entries of slots become hits of rows, sorted.
template <class Block>
KITH_BODY void WriteHits(Block& block, const BatchView& batch, uint32_t query,
                         const uint64_t* entries, uint32_t count) {
  uint64_t* hits = batch.hits + size_t{query} * batch.hits_max;
  block.Phase([&](auto& warp) {
    for (uint32_t first = warp.index() * kWarpLanes; first < count;
         first += warp.count() * kWarpLanes) {
      const auto at = warp.lane() + first;
      const auto inside = at < count;
      const auto entry = warp.LoadIf(inside, entries, at);
      const auto row = warp.LoadIf(inside, batch.slab.rows, warp.LowOf(entry));
      warp.StoreIf(inside, hits, at, warp.Join(warp.HighOf(entry), row));
    }
  });
  SortEntries(block, hits, count);
}

// Plane B of what the rounds kept, the cut to what leaves the card, and the result.
template <class Block>
KITH_BODY void FinishQuery(Block& block, const BatchView& batch, uint32_t query,
                           const BlockScratch& scratch) {
  const uint32_t rounds = block.Read(batch.states[query].rounds);
  uint64_t* entries = EntriesOfRound(batch, query, rounds);
  uint64_t* spare = EntriesOfRound(batch, query, rounds + 1);
  const uint32_t keep = batch.records[query].keep;
  bool fits = block.Read(batch.states[query].overflow) == Overflow::kNone;
  uint32_t count = fits ? block.Read(batch.states[query].kept) : 0;
  const uint32_t found = count;
  // Fewer would all be kept: plane B could not change the answer.
  const bool refines = batch.quantizer.raw_plane_b || count > keep;
  if (refines) RefineEntries(block, batch, query, entries, count);
  if (count > keep) {
    const uint32_t limit = SelectKth(block, EntryKeys{entries}, count, keep, scratch);
    count = CopyAtMost(block, entries, count, limit, spare, scratch);
    entries = spare;
  }
  if (count > batch.hits_max) fits = false;
  if (fits) WriteHits(block, batch, query, entries, count);
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    const QueryState& state = batch.states[query];
    QueryResult result;
    result.count = fits ? count : 0;
    result.is_overflow = fits ? 0 : 1;
    result.lists_probed = state.lists_probed;
    result.found = found;
    result.rows_scanned = state.rows_scanned;
    result.rows_refined = refines ? found : 0;
    result.is_cut = state.is_cut;
    warp.StoreOne(batch.results + query, result);
  });
}

template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void AnswerQuery(Block& block, const BatchView& batch, uint32_t query,
                           const BlockScratch& scratch) {
  if (block.Read(batch.states[query].overflow) == Overflow::kNone) {
    const float* vector = batch.vectors + size_t{query} * batch.quantizer.dimension;
    BuildTable(block, batch.quantizer, vector, scratch);
    ScanRounds<Block, kParts, kWords>(block, batch, query, scratch);
  }
  FinishQuery(block, batch, query, scratch);
}

// One of several blocks of a round.
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void AnswerSlice(Block& block, const BatchView& batch, ScanWork work, uint32_t round,
                           const BlockScratch& scratch) {
  work.lists = ListsOfRound(batch.records[work.query], round);
  if (IsRoundOver(batch.states[work.query], work.lists)) return;
  work.entries = EntriesOfRound(batch, work.query, round);
  const float* vector = batch.vectors + size_t{work.query} * batch.quantizer.dimension;
  BuildTable(block, batch.quantizer, vector, scratch);
  ScanSlice<Block, kParts, kWords>(block, batch, work, scratch);
}

// After the slices of a round.
template <class Block>
KITH_BODY void CutSlices(Block& block, const BatchView& batch, uint32_t query, uint32_t round,
                         const BlockScratch& scratch) {
  const ListRange lists = ListsOfRound(batch.records[query], round);
  const QueryState state = block.Read(batch.states[query]);
  if (IsRoundOver(state, lists)) return;
  if (block.ReadFresh(batch.states[query].appended) > batch.capacity) {
    return SetOverflow(block, batch, query, Overflow::kOfSlices);
  }
  CountRound(block, batch, {query, 0, 1, lists});
  CutRound(block, batch, query, round, scratch);
}

// After all rounds of slices.
template <class Block, uint32_t kParts, uint32_t kWords>
KITH_BODY void FinishSlices(Block& block, const BatchView& batch, uint32_t query,
                            const BlockScratch& scratch) {
  if (block.Read(batch.states[query].overflow) != Overflow::kOfSlices) {
    return FinishQuery(block, batch, query, scratch);
  }
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    warp.StoreOne(batch.states + query, FreshState(Overflow::kNone));
  });
  AnswerQuery<Block, kParts, kWords>(block, batch, query, scratch);
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_QUERY_BODY_H_
