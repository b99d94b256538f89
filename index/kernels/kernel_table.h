#ifndef KITH_INDEX_KERNELS_KERNEL_TABLE_H_
#define KITH_INDEX_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <cstdint>

// The engine's hot loops behind plain function pointers, one table an instruction set, chosen once
// at start. One-to-many signatures: one indirect call covers a block of candidates.
//
// Every table gives the same bits for the exact kernels: sums run in sixteen lanes (lane i takes
// elements i, i + 16, ...), folded as ((0+8)+(4+12))+... in the one order of portable_kernels.inc.
namespace kith::index {

struct KernelTable {
  const char* name;

  // Exact: one query against `count` vectors at `vectors[i]`, `n` elements each; out[i] is the
  // squared distance or the inner product. f16 vectors are bit patterns, their query is float.
  void (*l2_f32)(const float* query, const void* const* vectors, size_t count, size_t n,
                 float* out) noexcept;
  void (*ip_f32)(const float* query, const void* const* vectors, size_t count, size_t n,
                 float* out) noexcept;
  void (*l2_f16)(const float* query, const void* const* vectors, size_t count, size_t n,
                 float* out) noexcept;
  void (*ip_f16)(const float* query, const void* const* vectors, size_t count, size_t n,
                 float* out) noexcept;
  void (*l2_u8)(const uint8_t* query, const void* const* vectors, size_t count, size_t n,
                float* out) noexcept;
  void (*ip_u8)(const uint8_t* query, const void* const* vectors, size_t count, size_t n,
                float* out) noexcept;

  // out[i * centroids + j] = <points[i], centroids[j]>, both row-major with `n` floats a row. The
  // order of summation is fixed, as training and encoding must not depend on the machine.
  void (*dot_tile)(const float* points, size_t point_count, const float* centroids,
                   size_t centroid_count, size_t n, float* out) noexcept;

  // The table of one query: out[m * 256 + k] = scale * <q_m, codeword k of sub-space m>;
  // `codebooks` is 256 x n row-major, begins has subspaces + 1 offsets.
  void (*lookup_table)(const float* query, const float* codebooks, const uint32_t* begins,
                       size_t subspaces, size_t n, float scale, float* out) noexcept;

  // Plane A scan of one block: for each of `lanes` vectors out[i] = sum over m of
  // table[m * 256 + codes[m * lanes + i]].
  void (*scan_block)(const uint8_t* codes, size_t lanes, size_t subspaces, const float* table,
                     float* out) noexcept;

  // Plane B, residual codes: out[i] = sum_j (offset[j] - scale[j] * codes[i][j])², with
  // offset = q - c - refine_min for that vector's list, given per vector.
  void (*refine_l2)(const float* const* offsets, const float* scale, const uint8_t* const* codes,
                    size_t count, size_t n, float* out) noexcept;
  // out[i] = sum_j query_scaled[j] * codes[i][j]  (inner product part of plane B)
  void (*refine_ip)(const float* query_scaled, const uint8_t* const* codes, size_t count, size_t n,
                    float* out) noexcept;
};

const KernelTable& PortableKernels();
// nullptr where this build or this machine has none of that name: "portable", "avx2".
const KernelTable* FindKernels(const char* name);
// The best table of this machine, or the one KITH_KERNELS names (scalar and portable are the same);
// chosen once. An unknown or unsupported name is reported by CheckKernelChoice and ignored here.
const KernelTable& ActiveKernels();

}  // namespace kith::index

#endif  // KITH_INDEX_KERNELS_KERNEL_TABLE_H_
