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

KITH_INLINE Vec LoadQuads(const float* rows, size_t n) {
  const __m256 low = _mm256_castps128_ps256(_mm_loadu_ps(rows));
  return _mm256_insertf128_ps(low, _mm_loadu_ps(rows + 4 * n), 1);
}

KITH_INLINE Quad LoadQuadPart(const float* at, size_t count) {
  const __m128i position = _mm_setr_epi32(0, 1, 2, 3);
  return _mm_maskload_ps(at, _mm_cmpgt_epi32(_mm_set1_epi32(static_cast<int>(count)), position));
}

KITH_INLINE Vec LoadQuadsPart(const float* rows, size_t n, size_t count) {
  const __m256 low = _mm256_castps128_ps256(LoadQuadPart(rows, count));
  return _mm256_insertf128_ps(low, LoadQuadPart(rows + 4 * n, count), 1);
}

KITH_INLINE Vec SpreadQuad(Quad quad) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(quad), quad, 1);
}

KITH_INLINE Vec FoldEachQuad(const Vec* four) {
  const Vec first =
      _mm256_shuffle_ps(four[0], four[1], 0x44) + _mm256_shuffle_ps(four[0], four[1], 0xee);
  const Vec second =
      _mm256_shuffle_ps(four[2], four[3], 0x44) + _mm256_shuffle_ps(four[2], four[3], 0xee);
  return _mm256_shuffle_ps(first, second, 0x88) + _mm256_shuffle_ps(first, second, 0xdd);
}

#include "index/kernels/portable_kernels.inc"

constexpr KernelTable kTable = MakeTable("avx2");

}  // namespace

const KernelTable* Avx2KernelTable() { return &kTable; }

}  // namespace kith::index

#else

namespace kith::index {

const KernelTable* Avx2KernelTable() { return nullptr; }

}  // namespace kith::index

#endif
