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

#include "index/kernels/avx512_products.inc"
#include "index/kernels/avx512_selection.inc"
#include "index/kernels/avx512_scan.inc"

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
