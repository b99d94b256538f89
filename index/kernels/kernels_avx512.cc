#include "index/kernels/kernel_table.h"
#include "index/kernels/kernels_isa.h"

// No header but these: an inline function compiled here with wider instructions could be the copy
// that the linker keeps for the whole program.
#if defined(__x86_64__) && defined(__AVX512VBMI__) && defined(__AVX512VNNI__) && \
    defined(__AVX512BW__) && defined(__AVX512VL__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define KITH_INLINE inline __attribute__((always_inline))

namespace kith::index {
namespace {

constexpr size_t kWidth = 16;
typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(1), may_alias));
typedef float Vec __attribute__((vector_size(4 * kWidth)));

KITH_INLINE Vec HalvesToFloats(const uint16_t* at) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(at)));
}

KITH_INLINE Vec BytesToFloats(const uint8_t* at) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(at));
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(bytes));
}

KITH_INLINE Vec LoadPart(const float* at, size_t count) {
  return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), at);
}

KITH_INLINE Quad FoldLanes(const Vec* lanes) {
  const __m256 sum =
      _mm256_add_ps(_mm512_castps512_ps256(lanes[0]), _mm512_extractf32x8_ps(lanes[0], 1));
  return _mm256_castps256_ps128(sum) + _mm256_extractf128_ps(sum, 1);
}

#include "index/kernels/packed_group_avx512.inc"
#include "index/kernels/portable_kernels.inc"
// The second needs what the first defines.
#include "index/kernels/portable_byte_kernels.inc"

KITH_INLINE __m512i LoadBytes(const void* at) { return _mm512_loadu_si512(at); }

// ---- Exact scores of bytes ----------------------------------------------------------------------

// Of one vector, 64 elements at a time; the tail under a mask.
template <auto kAdd>
KITH_INLINE float SumBytes(const uint8_t* a, const uint8_t* b, size_t n) {
  __m512i sum = _mm512_setzero_si512();
  size_t j = 0;
  for (; j + 64 <= n; j += 64) sum = kAdd(sum, LoadBytes(a + j), LoadBytes(b + j));
  if (j < n) {
    const __mmask64 left = ~0ull >> (64 - (n - j));
    sum = kAdd(sum, _mm512_maskz_loadu_epi8(left, a + j), _mm512_maskz_loadu_epi8(left, b + j));
  }
  return static_cast<float>(_mm512_reduce_add_epi32(sum));
}

KITH_INLINE __m512i AddSquares(__m512i sum, __m512i a, __m512i b) {
  const __m512i difference = _mm512_or_si512(_mm512_subs_epu8(a, b), _mm512_subs_epu8(b, a));
  const __m512i low = _mm512_unpacklo_epi8(difference, _mm512_setzero_si512());
  const __m512i high = _mm512_unpackhi_epi8(difference, _mm512_setzero_si512());
  return _mm512_dpwssd_epi32(_mm512_dpwssd_epi32(sum, low, low), high, high);
}

KITH_INLINE __m512i AddProducts(__m512i sum, __m512i a, __m512i b) {
  const __m512i zero = _mm512_setzero_si512();
  sum = _mm512_dpwssd_epi32(sum, _mm512_unpacklo_epi8(a, zero), _mm512_unpacklo_epi8(b, zero));
  return _mm512_dpwssd_epi32(sum, _mm512_unpackhi_epi8(a, zero), _mm512_unpackhi_epi8(b, zero));
}

void L2U8Wide(const uint8_t* query, const void* const* vectors, size_t count, size_t n,
              float* out) noexcept {
  for (size_t i = 0; i < count; ++i) {
    out[i] = SumBytes<AddSquares>(query, static_cast<const uint8_t*>(vectors[i]), n);
  }
}

void IpU8Wide(const uint8_t* query, const void* const* vectors, size_t count, size_t n,
              float* out) noexcept {
  for (size_t i = 0; i < count; ++i) {
    out[i] = SumBytes<AddProducts>(query, static_cast<const uint8_t*>(vectors[i]), n);
  }
}

// ---- Byte products ------------------------------------------------------------------------------

// Scores of one panel for kQueries queries, which share its loads.
template <size_t kQueries>
KITH_INLINE void ScorePanels(const BytePanels& panels, size_t panel, const int8_t* const* queries,
                             __m512i (*sums)[4]) {
  const uint8_t* bytes = panels.bytes + panel * panels.width * kPanel;
  const int32_t* bias = panels.bias + panel * kPanel;
#pragma GCC unroll 8
  for (size_t q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) sums[q][i] = LoadBytes(bias + 16 * i);
  }
  for (size_t j = 0; j < panels.width; j += 4, bytes += 4 * kPanel) {
    __m512i part[4];
#pragma GCC unroll 4
    for (size_t i = 0; i < 4; ++i) part[i] = LoadBytes(bytes + 64 * i);
#pragma GCC unroll 8
    for (size_t q = 0; q < kQueries; ++q) {
      int32_t four;
      __builtin_memcpy(&four, queries[q] + j, 4);
      const __m512i factors = _mm512_set1_epi32(four);
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i) {
        sums[q][i] = _mm512_dpbusd_epi32(sums[q][i], part[i], factors);
      }
    }
  }
}

template <size_t kQueries>
KITH_INLINE void ScoreQueries(const BytePanels& panels, const int8_t* const* queries,
                              int32_t* const* outs) {
  for (size_t panel = 0; panel < panels.panels; ++panel) {
    __m512i sums[kQueries][4];
    ScorePanels<kQueries>(panels, panel, queries, sums);
#pragma GCC unroll 8
    for (size_t q = 0; q < kQueries; ++q) {
#pragma GCC unroll 4
      for (size_t i = 0; i < 4; ++i) {
        _mm512_storeu_si512(outs[q] + panel * kPanel + 16 * i, sums[q][i]);
      }
    }
  }
}

void PanelScoresWide(const BytePanels& panels, const int8_t* const* queries, size_t count,
                     int32_t* const* outs) noexcept {
  size_t i = 0;
  for (; i + 4 <= count; i += 4) ScoreQueries<4>(panels, queries + i, outs + i);
  for (; i < count; ++i) ScoreQueries<1>(panels, queries + i, outs + i);
}

// The best of a query so far in sixteen lanes: scores, and the vectors that have them. A lane meets
// its vectors in ascending order, so that strictly smaller keeps the lowest of equals.
struct BestLanes {
  __m512i score;
  __m512i vector;
};

KITH_INLINE uint32_t LowestOfBest(const BestLanes& best) {
  const int32_t least = _mm512_reduce_min_epi32(best.score);
  const __mmask16 has_least = _mm512_cmpeq_epi32_mask(best.score, _mm512_set1_epi32(least));
  return _mm512_mask_reduce_min_epu32(has_least, best.vector);
}

template <size_t kQueries>
KITH_INLINE void TakeNearer(const BytePanels& panels, size_t panel, const int8_t* const* queries,
                            BestLanes* best) {
  __m512i sums[kQueries][4];
  ScorePanels<kQueries>(panels, panel, queries, sums);
  const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
#pragma GCC unroll 4
  for (size_t i = 0; i < 4; ++i) {
    const __m512i vectors =
        _mm512_add_epi32(lanes, _mm512_set1_epi32(static_cast<int>(panel * kPanel + 16 * i)));
#pragma GCC unroll 8
    for (size_t q = 0; q < kQueries; ++q) {
      const __mmask16 nearer = _mm512_cmplt_epi32_mask(sums[q][i], best[q].score);
      best[q].score = _mm512_min_epi32(best[q].score, sums[q][i]);
      best[q].vector = _mm512_mask_mov_epi32(best[q].vector, nearer, vectors);
    }
  }
}

constexpr size_t kTileQueries = 6;   // 24 registers of sums
constexpr size_t kQueryBlock = 384;  // whose best lanes stay in the second level of the cache
constexpr size_t kPanelBlockBytes = 256 * 1024;

// The best lanes of up to kQueryBlock queries.
KITH_INLINE void BestOfBlock(const BytePanels& panels, const int8_t* queries, size_t count,
                             BestLanes* best) {
  const size_t panel_bytes = panels.width * kPanel;
  const size_t block = panel_bytes >= kPanelBlockBytes ? 1 : kPanelBlockBytes / panel_bytes;
  const int8_t* each[kQueryBlock];
  for (size_t i = 0; i < count; ++i) {
    each[i] = queries + i * panels.width;
    best[i] = {_mm512_set1_epi32(INT32_MAX), _mm512_setzero_si512()};
  }
  for (size_t first = 0; first < panels.panels; first += block) {
    const size_t end = panels.panels - first < block ? panels.panels : first + block;
    size_t i = 0;
    for (; i + kTileQueries <= count; i += kTileQueries) {
      for (size_t panel = first; panel < end; ++panel) {
        TakeNearer<kTileQueries>(panels, panel, each + i, best + i);
      }
    }
    for (; i < count; ++i) {
      for (size_t panel = first; panel < end; ++panel) {
        TakeNearer<1>(panels, panel, each + i, best + i);
      }
    }
  }
}

void PanelNearestWide(const BytePanels& panels, const int8_t* queries, size_t count,
                      uint32_t* nearest) noexcept {
  BestLanes best[kQueryBlock];
  for (size_t begin = 0; begin < count; begin += kQueryBlock) {
    const size_t some = count - begin < kQueryBlock ? count - begin : kQueryBlock;
    BestOfBlock(panels, queries + begin * panels.width, some, best);
    for (size_t i = 0; i < some; ++i) nearest[begin + i] = LowestOfBest(best[i]);
  }
}

void PanelCandidatesWide(const BytePanels& panels, const int8_t* queries, size_t count,
                         PanelCandidate* out) noexcept {
  BestLanes best[kQueryBlock];
  for (size_t begin = 0; begin < count; begin += kQueryBlock) {
    const size_t some = count - begin < kQueryBlock ? count - begin : kQueryBlock;
    BestOfBlock(panels, queries + begin * panels.width, some, best);
    for (size_t i = 0; i < some; ++i, out += kClasses) {
      alignas(64) int32_t scores[kClasses];
      alignas(64) uint32_t vectors[kClasses];
      _mm512_store_si512(scores, best[i].score);
      _mm512_store_si512(vectors, best[i].vector);
      for (size_t lane = 0; lane < kClasses; ++lane) out[lane] = {scores[lane], vectors[lane]};
    }
  }
}

// ---- Selection ----------------------------------------------------------------------------------

KITH_INLINE size_t CountAtMostWide(const int32_t* values, size_t count, int32_t limit) {
  const __m512i most = _mm512_set1_epi32(limit);
  size_t found = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const uint32_t taken = _mm512_cmple_epi32_mask(LoadBytes(values + i), most);
    found += static_cast<size_t>(__builtin_popcount(taken));
  }
  return found + CountAtMost(values + i, count - i, limit);
}

int32_t KthSmallestWide(const int32_t* values, size_t count, size_t k) noexcept {
  return KthByCounting<CountAtMostWide>(values, count, k);
}

// Compressed in registers: a compressing store is slow on Zen 4. What is stored behind the kept
// ones is overwritten next, or lies in room that `count` values need.
size_t CollectAtMostWide(const int32_t* values, size_t count, int32_t limit, int32_t* kept,
                         uint32_t* indices) noexcept {
  const __m512i most = _mm512_set1_epi32(limit);
  __m512i index = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
  size_t found = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16, index = _mm512_add_epi32(index, _mm512_set1_epi32(16))) {
    const __m512i some = LoadBytes(values + i);
    const __mmask16 taken = _mm512_cmple_epi32_mask(some, most);
    _mm512_storeu_si512(kept + found, _mm512_maskz_compress_epi32(taken, some));
    _mm512_storeu_si512(indices + found, _mm512_maskz_compress_epi32(taken, index));
    found += static_cast<size_t>(__builtin_popcount(taken));
  }
  for (; i < count; ++i) {
    kept[found] = values[i];
    indices[found] = static_cast<uint32_t>(i);
    found += values[i] <= limit;
  }
  return found;
}

size_t KeepAtMostWide(int32_t* values, uint64_t* belongings, size_t count, int32_t limit) noexcept {
  const __m512i most = _mm512_set1_epi32(limit);
  size_t found = 0;
  size_t i = 0;
  for (; i + 16 <= count; i += 16) {
    const __m512i some = LoadBytes(values + i);
    const __m512i low = LoadBytes(belongings + i);
    const __m512i high = LoadBytes(belongings + i + 8);
    const __mmask16 taken = _mm512_cmple_epi32_mask(some, most);
    const auto low_taken = static_cast<__mmask8>(taken);
    const auto high_taken = static_cast<__mmask8>(taken >> 8);
    const auto lows = static_cast<size_t>(__builtin_popcount(low_taken));
    _mm512_storeu_si512(values + found, _mm512_maskz_compress_epi32(taken, some));
    _mm512_storeu_si512(belongings + found, _mm512_maskz_compress_epi64(low_taken, low));
    _mm512_storeu_si512(belongings + found + lows, _mm512_maskz_compress_epi64(high_taken, high));
    found += static_cast<size_t>(__builtin_popcount(taken));
  }
  for (; i < count; ++i) {
    const int32_t value = values[i];
    values[found] = value;
    belongings[found] = belongings[i];
    found += value <= limit;
  }
  return found;
}

// ---- Plane A ------------------------------------------------------------------------------------
//
// 256 entries of a byte are four registers; 64 look-ups are two vpermi2b and a blend by the codes'
// top bits.

struct EntryRegisters {
  __m512i quarter[4];
};

KITH_INLINE EntryRegisters LoadEntries(const uint8_t* table) {
  return {
      {LoadBytes(table), LoadBytes(table + 64), LoadBytes(table + 128), LoadBytes(table + 192)}};
}

KITH_INLINE __m512i LookUp(const EntryRegisters& entries, __m512i codes) {
  const __m512i low = _mm512_permutex2var_epi8(entries.quarter[0], codes, entries.quarter[1]);
  const __m512i high = _mm512_permutex2var_epi8(entries.quarter[2], codes, entries.quarter[3]);
  return _mm512_mask_blend_epi8(_mm512_movepi8_mask(codes), low, high);
}

// Sums of 64 lanes: of all bytes as 16-bit lanes, and of the odd ones alone.
struct LaneSums {
  __m512i all;
  __m512i odd;

  KITH_INLINE void Add(__m512i entries) {
    all = _mm512_add_epi16(all, entries);
    odd = _mm512_add_epi16(odd, _mm512_srli_epi16(entries, 8));
  }
  KITH_INLINE __m512i Even() const { return _mm512_sub_epi16(all, _mm512_slli_epi16(odd, 8)); }
};

struct Limits {
  __m512i bias_factor;
  __m512i threshold;
};

// Even lanes, then odd ones.
KITH_INLINE uint64_t ReachedLanes(__m512i even, __m512i odd, const __m512i* bias,
                                  const Limits& limits) {
  const __m512i even_total =
      _mm512_adds_epu16(even, _mm512_mulhi_epu16(bias[0], limits.bias_factor));
  const __m512i odd_total = _mm512_adds_epu16(odd, _mm512_mulhi_epu16(bias[1], limits.bias_factor));
  const uint64_t low = _mm512_cmple_epu16_mask(even_total, limits.threshold);
  const uint64_t high = _mm512_cmple_epu16_mask(odd_total, limits.threshold);
  return high << 32 | low;
}

// Out of line, so that the scans stay small.
__attribute__((noinline)) Survivor* TakeLanes(uint64_t reached, uint32_t first, const __m512i* sums,
                                              const __m512i* bias, Survivor* out) {
  alignas(64) uint16_t sum[64];
  alignas(64) uint16_t its_bias[64];
  for (int i = 0; i < 2; ++i) {
    _mm512_store_si512(sum + 32 * i, sums[i]);
    _mm512_store_si512(its_bias + 32 * i, bias[i]);
  }
  // In ascending order of lanes: even and odd ones take turns.
  uint64_t lanes =
      _pdep_u64(reached, 0x5555555555555555) | _pdep_u64(reached >> 32, 0xaaaaaaaaaaaaaaaa);
  while (lanes != 0) {
    const auto lane = static_cast<uint32_t>(__builtin_ctzll(lanes));
    lanes &= lanes - 1;
    const uint32_t at = lane % 2 * 32 + lane / 2;
    *out++ = {first + lane, sum[at], its_bias[at]};
  }
  return out;
}

// kBlocks blocks, which share the loads of the table. The last one may be shorter; nothing behind
// it is read.
template <uint32_t kBlocks>
KITH_INLINE Survivor* ScanBlocks(const ByteScan& scan, Survivor* out) {
  const size_t block_bytes = size_t{kBlock} * (scan.subspaces + 2);
  const uint8_t* codes = scan.blocks;
  const uint32_t last_count = scan.count - (kBlocks - 1) * kBlock;
  const uint32_t last_lanes = LanesOf(last_count);
  const __mmask64 there = ~0ull >> (64 - last_lanes);
  LaneSums sums[kBlocks];
#pragma GCC unroll 4
  for (uint32_t b = 0; b < kBlocks; ++b) sums[b] = {_mm512_setzero_si512(), _mm512_setzero_si512()};
  const uint8_t* table = scan.table;
  const uint8_t* last = codes + (kBlocks - 1) * block_bytes;
  const uint8_t* full = codes;
  for (uint32_t m = 0; m < scan.subspaces; ++m) {
    const EntryRegisters entries = LoadEntries(table);
#pragma GCC unroll 4
    for (uint32_t b = 0; b + 1 < kBlocks; ++b) {
      sums[b].Add(LookUp(entries, LoadBytes(full + b * block_bytes)));
    }
    sums[kBlocks - 1].Add(LookUp(entries, _mm512_maskz_loadu_epi8(there, last)));
    table += kCodewords;
    full += kBlock;
    last += last_lanes;
  }
  const Limits limits = {_mm512_set1_epi16(static_cast<int16_t>(scan.bias_factor)),
                         _mm512_set1_epi16(static_cast<int16_t>(scan.threshold))};
#pragma GCC unroll 4
  for (uint32_t b = 0; b + 1 < kBlocks; ++b) {
    const uint8_t* biases = codes + b * block_bytes + size_t{kBlock} * scan.subspaces;
    const __m512i bias[2] = {LoadBytes(biases), LoadBytes(biases + 64)};
    const __m512i sum[2] = {sums[b].Even(), sums[b].odd};
    const uint64_t reached = ReachedLanes(sum[0], sum[1], bias, limits);
    if (__builtin_expect(reached != 0, 0)) {
      out = TakeLanes(reached, b * kBlock, sum, bias, out);
    }
  }
  const auto half = static_cast<__mmask32>(~0u >> (32 - last_lanes / 2));
  const __m512i bias[2] = {_mm512_maskz_loadu_epi16(half, last),
                           _mm512_maskz_loadu_epi16(half, last + last_lanes)};
  const __m512i sum[2] = {sums[kBlocks - 1].Even(), sums[kBlocks - 1].odd};
  const uint64_t even = (1ull << (last_count + 1) / 2) - 1;
  const uint64_t odd = (1ull << last_count / 2) - 1;
  const uint64_t reached = ReachedLanes(sum[0], sum[1], bias, limits) & (odd << 32 | even);
  if (__builtin_expect(reached != 0, 0)) {
    out = TakeLanes(reached, (kBlocks - 1) * kBlock, sum, bias, out);
  }
  return out;
}

size_t ScanBytesWide(const ByteScan& scan, Survivor* out) noexcept {
  const Survivor* begin = out;
  switch ((scan.count + kBlock - 1) / kBlock) {
    case 4:
      out = ScanBlocks<4>(scan, out);
      break;
    case 3:
      out = ScanBlocks<3>(scan, out);
      break;
    case 2:
      out = ScanBlocks<2>(scan, out);
      break;
    case 1:
      out = ScanBlocks<1>(scan, out);
      break;
    default:  // none
      break;
  }
  return static_cast<size_t>(out - begin);
}

constexpr KernelTable WideTable() {
  KernelTable table = MakeTable("avx512");
  table.l2_u8 = L2U8Wide;
  table.ip_u8 = IpU8Wide;
  table.panel_scores = PanelScoresWide;
  table.panel_nearest = PanelNearestWide;
  table.panel_candidates = PanelCandidatesWide;
  table.kth_smallest = KthSmallestWide;
  table.collect_at_most = CollectAtMostWide;
  table.keep_at_most = KeepAtMostWide;
  table.scan_bytes = ScanBytesWide;
  return table;
}

constexpr KernelTable kTable = WideTable();

}  // namespace

const KernelTable* Avx512KernelTable() { return &kTable; }

}  // namespace kith::index

#else

namespace kith::index {

const KernelTable* Avx512KernelTable() { return nullptr; }

}  // namespace kith::index

#endif
