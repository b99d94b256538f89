#include "index/kernels/kernel_table.h"
#include "index/kernels/kernels_isa.h"

// No header but these: an inline function compiled here with wider instructions could be the copy
// that the linker keeps for the whole program.
#if defined(__x86_64__) && defined(__AVX2__) && defined(__F16C__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

#define KITH_INLINE inline __attribute__((always_inline))

namespace kith::index {
namespace {

constexpr size_t kWidth = 8;
typedef float Quad __attribute__((vector_size(16)));
typedef float LooseQuad __attribute__((vector_size(16), aligned(1), may_alias));
typedef float Vec __attribute__((vector_size(4 * kWidth)));

KITH_INLINE Vec HalvesToFloats(const uint16_t* at) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
}

KITH_INLINE Vec BytesToFloats(const uint8_t* at) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(at));
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(bytes));
}

KITH_INLINE Vec LoadPart(const float* at, size_t count) {
  const __m256i position = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
  const __m256i wanted = _mm256_cmpgt_epi32(_mm256_set1_epi32(static_cast<int>(count)), position);
  return _mm256_maskload_ps(at, wanted);
}

KITH_INLINE Quad FoldLanes(const Vec* lanes) {
  const Vec sum = lanes[0] + lanes[1];
  return _mm256_castps256_ps128(sum) + _mm256_extractf128_ps(sum, 1);
}

// Pairs are loaded one by one: a gather would read two bytes too many.
class PackedGroup {
 public:
  KITH_INLINE PackedGroup(const PackedCodes& codes, size_t j)
      : pairs_(codes.pairs + j), shifts_(Wide(codes.shifts + j)), masks_(Wide(codes.masks + j)) {}

  KITH_INLINE Vec Floats(const uint8_t* row) const {
    uint16_t pairs[kWidth];
    for (size_t i = 0; i < kWidth; ++i) __builtin_memcpy(pairs + i, row + pairs_[i], 2);
    return _mm256_cvtepi32_ps(_mm256_and_si256(_mm256_srlv_epi32(Wide(pairs), shifts_), masks_));
  }

 private:
  static KITH_INLINE __m256i Wide(const uint16_t* at) {
    return _mm256_cvtepu16_epi32(_mm_loadu_si128(reinterpret_cast<const __m128i*>(at)));
  }

  const uint16_t* pairs_;
  __m256i shifts_;
  __m256i masks_;
};

#include "index/kernels/portable_kernels.inc"
// The second needs what the first defines.
#include "index/kernels/portable_byte_kernels.inc"

// Scores of a panel: bytes widen to 16 bits, as vpmaddubsw would saturate. A quarter of a panel at
// a time, so that its sums stay in registers.
KITH_INLINE void ScorePanelWide(const BytePanels& panels, size_t panel, const int8_t* query,
                                int32_t* out) {
  constexpr size_t kPart = 16;
  for (size_t part = 0; part < kPanel; part += kPart) {
    const uint8_t* bytes = panels.bytes + panel * panels.width * kPanel + 4 * part;
    __m256i sums[4] = {};  // of four vectors, each in two halves
    for (size_t j = 0; j < panels.width; j += 4, bytes += 4 * kPanel) {
      int32_t four;
      __builtin_memcpy(&four, query + j, 4);
      const __m256i factors = _mm256_cvtepi8_epi16(_mm_set1_epi32(four));
      for (size_t i = 0; i < 4; ++i) {
        const auto* at = reinterpret_cast<const __m128i*>(bytes + 16 * i);
        const __m256i wide = _mm256_cvtepu8_epi16(_mm_loadu_si128(at));
        sums[i] = _mm256_add_epi32(sums[i], _mm256_madd_epi16(wide, factors));
      }
    }
    const int32_t* bias = panels.bias + panel * kPanel + part;
    for (size_t i = 0; i < 4; i += 2) {
      // Pairs come out in the order 0 1 4 5 2 3 6 7.
      const __m256i pairs = _mm256_hadd_epi32(sums[i], sums[i + 1]);
      const __m256i ordered = _mm256_permute4x64_epi64(pairs, 0xd8);
      const __m256i start = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(bias + 4 * i));
      _mm256_storeu_si256(reinterpret_cast<__m256i*>(out + part + 4 * i),
                          _mm256_add_epi32(start, ordered));
    }
  }
}

void PanelScoresWide(const BytePanels& panels, const int8_t* const* queries, size_t count,
                     int32_t* const* outs) noexcept {
  ScoreEach<ScorePanelWide>(panels, queries, count, outs);
}

void PanelNearestWide(const BytePanels& panels, const int8_t* queries, size_t count,
                      uint32_t* nearest) noexcept {
  NearestByScores<ScorePanelWide>(panels, queries, count, nearest);
}

void PanelCandidatesWide(const BytePanels& panels, const int8_t* queries, size_t count,
                         PanelCandidate* out) noexcept {
  CandidatesByScores<ScorePanelWide>(panels, queries, count, out);
}

// Sixteen shuffles look 32 codes up in 256 entries: every sixteenth of the table is asked by the
// low four bits, and a tree of blends picks by the high four.
KITH_INLINE __m256i LookUp(const uint8_t* table, __m256i codes) {
  const __m256i low = _mm256_and_si256(codes, _mm256_set1_epi8(15));
  const __m256i bit4 = _mm256_slli_epi16(codes, 3);
  const __m256i bit5 = _mm256_slli_epi16(codes, 2);
  const __m256i bit6 = _mm256_slli_epi16(codes, 1);
  __m256i quarter[4];
  for (int q = 0; q < 4; ++q) {
    __m256i part[4];
    for (int i = 0; i < 4; ++i) {
      const auto* sixteen = reinterpret_cast<const __m128i*>(table + 64 * q + 16 * i);
      part[i] = _mm256_shuffle_epi8(_mm256_broadcastsi128_si256(_mm_loadu_si128(sixteen)), low);
    }
    quarter[q] = _mm256_blendv_epi8(_mm256_blendv_epi8(part[0], part[1], bit4),
                                    _mm256_blendv_epi8(part[2], part[3], bit4), bit5);
  }
  return _mm256_blendv_epi8(_mm256_blendv_epi8(quarter[0], quarter[1], bit6),
                            _mm256_blendv_epi8(quarter[2], quarter[3], bit6), codes);
}

// Sums of 32 lanes: bytes of even lanes in `even`, of odd ones in `odd`.
struct LaneSums {
  __m256i even;
  __m256i odd;
};

KITH_INLINE LaneSums SumLanes(const uint8_t* codes, uint32_t stride, const ByteScan& scan) {
  __m256i all = _mm256_setzero_si256();
  __m256i odd = all;
  const uint8_t* table = scan.table;
  for (uint32_t m = 0; m < scan.subspaces; ++m, codes += stride, table += kCodewords) {
    const __m256i entries =
        LookUp(table, _mm256_loadu_si256(reinterpret_cast<const __m256i*>(codes)));
    all = _mm256_add_epi16(all, entries);
    odd = _mm256_add_epi16(odd, _mm256_srli_epi16(entries, 8));
  }
  return {_mm256_sub_epi16(all, _mm256_slli_epi16(odd, 8)), odd};
}

KITH_INLINE uint32_t Reached(__m256i sums, const uint8_t* biases, const ByteScan& scan) {
  const __m256i bias = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(biases));
  const __m256i factor = _mm256_set1_epi16(static_cast<int16_t>(scan.bias_factor));
  const __m256i total = _mm256_adds_epu16(sums, _mm256_mulhi_epu16(bias, factor));
  const __m256i limit = _mm256_set1_epi16(static_cast<int16_t>(scan.threshold));
  const __m256i reached = _mm256_cmpeq_epi16(_mm256_min_epu16(total, limit), total);
  return static_cast<uint32_t>(_mm256_movemask_epi8(reached));
}

// A full block; what is shorter goes the portable way.
KITH_INLINE Survivor* ScanBlock(const ByteScan& scan, const uint8_t* codes, uint32_t first,
                                Survivor* out) {
  const LaneSums low = SumLanes(codes, kBlock, scan);
  const LaneSums high = SumLanes(codes + 32, kBlock, scan);
  const uint8_t* biases = codes + size_t{kBlock} * scan.subspaces;
  const uint32_t any = Reached(low.even, biases, scan) | Reached(high.even, biases + 32, scan) |
                       Reached(low.odd, biases + 64, scan) | Reached(high.odd, biases + 96, scan);
  if (any == 0) return out;
  uint16_t sums[kBlock];
  const __m256i parts[2][2] = {{low.even, low.odd}, {high.even, high.odd}};
  for (int i = 0; i < 2; ++i) {
    // Interleaved within halves of 128 bits; then the halves take their places.
    const __m256i a = _mm256_unpacklo_epi16(parts[i][0], parts[i][1]);
    const __m256i b = _mm256_unpackhi_epi16(parts[i][0], parts[i][1]);
    auto* at = reinterpret_cast<__m256i*>(sums + 32 * i);
    _mm256_storeu_si256(at, _mm256_permute2x128_si256(a, b, 0x20));
    _mm256_storeu_si256(at + 1, _mm256_permute2x128_si256(a, b, 0x31));
  }
  return TakeReached(scan, {biases, kBlock, kBlock, first}, sums, out);
}

size_t ScanBytesWide(const ByteScan& scan, Survivor* out) noexcept {
  const Survivor* begin = out;
  const uint8_t* codes = scan.blocks;
  uint32_t first = 0;
  for (; first + kBlock <= scan.count; first += kBlock) {
    out = ScanBlock(scan, codes, first, out);
    codes += size_t{kBlock} * (scan.subspaces + 2);
  }
  ByteScan rest = scan;
  rest.blocks = codes;
  rest.count = scan.count - first;
  const size_t more = ScanBytes(rest, out);
  for (size_t i = 0; i < more; ++i) out[i].position += first;
  return static_cast<size_t>(out - begin) + more;
}

constexpr KernelTable WideTable() {
  KernelTable table = MakeTable("avx2");
  table.panel_scores = PanelScoresWide;
  table.panel_nearest = PanelNearestWide;
  table.panel_candidates = PanelCandidatesWide;
  table.scan_bytes = ScanBytesWide;
  return table;
}

constexpr KernelTable kTable = WideTable();

}  // namespace

const KernelTable* Avx2KernelTable() { return &kTable; }

}  // namespace kith::index

#else

namespace kith::index {

const KernelTable* Avx2KernelTable() { return nullptr; }

}  // namespace kith::index

#endif
