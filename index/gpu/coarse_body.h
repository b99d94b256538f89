#ifndef KITH_INDEX_GPU_COARSE_BODY_H_
#define KITH_INDEX_GPU_COARSE_BODY_H_

#include <cstdint>

#include "index/gpu/block_scratch.h"
#include "index/gpu/card_views.h"
#include "index/gpu/portable.h"
#include "index/gpu/refine_body.h"
#include "index/gpu/select_body.h"
#include "index/gpu/sort_body.h"

// Which lists a query probes: those of smallest (score, list), by the same bytes and integers as on
// the CPU (index/centroid_codes.h). First a matrix product on the tensor cores leaves of 64 lists
// only the least score; the nprobe-th smallest of those is no less than the nprobe-th smallest of
// all, so the panels that reach it hold every list that is wanted, and are scored again.
namespace kith::index::gpu {

constexpr uint32_t kPanelLists = 64;
constexpr uint32_t kTileQueries = 8;  // of a warp
constexpr uint32_t kTileSteps = 32;   // dimensions of a matrix instruction
constexpr uint32_t kTileLists = 16;

// The least score of a panel for eight queries. The operands' places in the lanes are those of
// mma.m16n8k32 (PTX ISA, "Matrix Fragments"): a word of A is four dimensions of list lane / 4 (and
// 8 after it), a word of B four of query lane / 4, from dimension lane % 4 * 4 (and 16 after it).
template <class Warp>
KITH_BODY void PanelMinima(Warp& warp, const BatchView& batch, uint32_t panel, uint32_t query) {
  const QuantizerView& quantizer = batch.quantizer;
  const uint32_t* words = quantizer.panels + size_t{panel} * quantizer.panel_words * kPanelLists;
  const auto group = warp.lane() / 4;
  const auto thread = warp.lane() % 4;
  const auto of_query = group + query;
  const auto has_query = of_query < batch.queries;
  typename Warp::Tile sums[kPanelLists / kTileLists];
  for (auto& sum : sums) warp.ClearTile(sum);
  for (uint32_t step = 0; step < quantizer.panel_words; step += kTileSteps / 4) {
    const auto low = thread + step;
    const auto high = low + 4u;
    const auto has_low = low < quantizer.panel_words;
    const auto has_high = high < quantizer.panel_words;
    const auto row = of_query * quantizer.panel_words;
    const typename Warp::U32 b[2] = {warp.LoadIf(has_low && has_query, batch.codes, row + low),
                                     warp.LoadIf(has_high && has_query, batch.codes, row + high)};
    for (uint32_t i = 0; i < kPanelLists / kTileLists; ++i) {
      const auto list = group + i * kTileLists;
      const typename Warp::U32 a[4] = {
          warp.LoadIf(has_low, words, low * kPanelLists + list),
          warp.LoadIf(has_low, words, low * kPanelLists + list + 8u),
          warp.LoadIf(has_high, words, high * kPanelLists + list),
          warp.LoadIf(has_high, words, high * kPanelLists + list + 8u)};
      warp.MultiplyTile(a, b, sums[i]);
    }
  }
  const int32_t* bias = quantizer.panel_bias + size_t{panel} * kPanelLists;
  auto even = warp.MostSigned();
  auto odd = warp.MostSigned();
  for (uint32_t i = 0; i < kPanelLists / kTileLists; ++i) {
    const auto low = warp.Load(bias, group + i * kTileLists);
    const auto high = warp.Load(bias, group + (i * kTileLists + 8));
    even = warp.Lower(even, warp.Lower(sums[i].value[0] + low, sums[i].value[2] + high));
    odd = warp.Lower(odd, warp.Lower(sums[i].value[1] + low, sums[i].value[3] + high));
  }
  for (uint32_t far = 4; far < kWarpLanes; far *= 2) {
    even = warp.Lower(even, warp.ShuffleXor(even, far));
    odd = warp.Lower(odd, warp.ShuffleXor(odd, far));
  }
  const auto first = thread * 2 + query;
  const auto writes = warp.lane() < 4u;
  warp.StoreIf(writes && first < batch.queries, batch.minima, first * quantizer.panel_count + panel,
               even);
  warp.StoreIf(writes && first + 1u < batch.queries, batch.minima,
               (first + 1u) * quantizer.panel_count + panel, odd);
}

// One block: a panel for `warps` times eight queries.
template <class Block>
KITH_BODY void MinimaOfPanel(Block& block, const BatchView& batch, uint32_t panel,
                             uint32_t first_query) {
  block.Phase([&](auto& warp) {
    const uint32_t query = first_query + warp.index() * kTileQueries;
    if (query < batch.queries) PanelMinima(warp, batch, panel, query);
  });
}

// Scores of the lists of a panel, a list a lane, `half` 0 or 1.
template <class Warp>
KITH_BODY typename Warp::I32 PanelScores(Warp& warp, const QuantizerView& quantizer,
                                         const uint32_t* codes, uint32_t first_list) {
  const uint32_t panel = first_list / kPanelLists;
  const uint32_t* words = quantizer.panels + size_t{panel} * quantizer.panel_words * kPanelLists +
                          first_list % kPanelLists;
  auto score = warp.Load(quantizer.panel_bias, warp.lane() + first_list);
  for (uint32_t word = 0; word < quantizer.panel_words; ++word) {
    score = warp.DotBytes(warp.Load(words, warp.lane() + word * kPanelLists), codes[word], score);
  }
  return score;
}

// Collects lists whose score's order is at most `limit`; how many asked for room.
template <class Block>
KITH_BODY uint32_t CollectLists(Block& block, const BatchView& batch, uint32_t query,
                                uint32_t limit, const BlockScratch& scratch) {
  const QuantizerView& quantizer = batch.quantizer;
  const int32_t* minima = batch.minima + size_t{query} * quantizer.panel_count;
  uint64_t* entries = batch.entries + size_t{query} * 2 * batch.capacity;
  SetCounter(block, 0, scratch);
  block.Phase([&](auto& warp) {
    const uint32_t* codes = batch.codes + size_t{query} * quantizer.panel_words;
    for (uint32_t panel = warp.index(); panel < quantizer.panel_count; panel += warp.count()) {
      if ((static_cast<uint32_t>(minima[panel]) ^ 0x80000000u) > limit) continue;
      for (uint32_t half = 0; half < kPanelLists; half += kWarpLanes) {
        const uint32_t first = panel * kPanelLists + half;
        const auto order = warp.Bits(PanelScores(warp, quantizer, codes, first)) ^ 0x80000000u;
        const auto list = warp.lane() + first;
        const auto reached = order <= limit && list < quantizer.lists;
        if (!warp.Any(reached)) continue;
        const uint32_t begin = warp.AtomicAdd(&scratch.scalars->counter, warp.CountOf(reached));
        const auto at = warp.RankIn(reached) + begin;
        warp.StoreIf(reached && at < batch.capacity, entries, at, warp.Join(order, list));
      }
    }
  });
  return block.Read(scratch.scalars->counter);
}

// Gives the lists their terms: entries of (score, list) become entries of (term, list).
template <class Block>
KITH_BODY void ComputeTerms(Block& block, const BatchView& batch, uint32_t query,
                            uint64_t* entries) {
  const QuantizerView& quantizer = batch.quantizer;
  const QueryRecord& record = batch.records[query];
  const float* vector = batch.vectors + size_t{query} * quantizer.dimension;
  block.Phase([&](auto& warp) {
    for (uint32_t first = warp.index() * 2; first < record.nprobe; first += warp.count() * 2) {
      const auto at = warp.lane() / kSumLanes + first;
      const auto mask = at < record.nprobe;
      const auto entry = warp.LoadIf(mask, entries, at);
      const auto list = warp.LowOf(entry);
      auto term = warp.ToFloat(warp.Zero());
      if (record.exact_terms) {
        const auto odd = warp.LoadByteIf(mask, quantizer.odd_norms, warp.Wide(list));
        term = warp.TermOfScore(record.offset, warp.HighOf(entry) ^ 0x80000000u, odd);
      } else {
        term = TermsOfLists(warp, quantizer, vector, list, mask);
      }
      const auto writes = mask && (warp.lane() & (kSumLanes - 1)) == 0u;
      warp.StoreIf(writes, entries, at, warp.Join(warp.OrderOf(term), list));
    }
  });
}

// One block: the probes of a query, in order of (term, list), unless they are given. Sets its
// overflow flag where ties of scores do not fit the scratch.
template <class Block>
KITH_BODY void PickLists(Block& block, const BatchView& batch, uint32_t query,
                         const BlockScratch& scratch) {
  if (batch.lists_given) {
    block.Phase([&](auto& warp) {
      if (warp.index() != 0) return;
      warp.StoreOne(batch.states + query, FreshState(Overflow::kNone));
    });
    return;
  }
  const QuantizerView& quantizer = batch.quantizer;
  const uint32_t nprobe = batch.records[query].nprobe;
  uint64_t* entries = batch.entries + size_t{query} * 2 * batch.capacity;
  const ScoreKeys minima = {batch.minima + size_t{query} * quantizer.panel_count};
  uint32_t limit = 0xffffffffu;
  if (nprobe < quantizer.panel_count) {
    limit = SelectKth(block, minima, quantizer.panel_count, nprobe, scratch);
  }
  uint32_t found = CollectLists(block, batch, query, limit, scratch);
  while (found > batch.capacity) {
    // The nprobe-th of some lists is no less than that of all.
    const uint32_t tighter = SelectKth(block, EntryKeys{entries}, batch.capacity, nprobe, scratch);
    if (tighter == limit) break;
    limit = tighter;
    found = CollectLists(block, batch, query, limit, scratch);
  }
  const bool fits = found <= batch.capacity;
  if (fits) {
    SortEntries(block, entries, found);
    ComputeTerms(block, batch, query, entries);
    SortEntries(block, entries, nprobe);
  }
  block.Phase([&](auto& warp) {
    if (warp.index() != 0) return;
    warp.StoreOne(batch.states + query, FreshState(fits ? Overflow::kNone : Overflow::kOfTies));
    Probe* probes = batch.probes + size_t{query} * batch.probes_max;
    for (uint32_t first = 0; fits && first < nprobe; first += kWarpLanes) {
      warp.StoreProbes(warp.lane() + first < nprobe, probes, entries, warp.lane() + first);
    }
  });
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_COARSE_BODY_H_
