#ifndef KITH_INDEX_KERNELS_KERNEL_TABLE_H_
#define KITH_INDEX_KERNELS_KERNEL_TABLE_H_

#include <cstddef>
#include <cstdint>

// The engine's hot loops behind plain function pointers, one table an instruction set, chosen once
// at start. One-to-many signatures: one indirect call covers a block of candidates.
//
// Every table gives the same bits. Float sums of the exact kernels run in sixteen lanes (lane i
// takes elements i, i + 16, ...), folded as ((0+8)+(4+12))+... in the one order of
// portable_kernels.inc; what is summed in bytes and integers is exact in any order.
namespace kith::index {

// Vectors of bytes for the byte products below, 64 a panel. A panel holds, for every four
// dimensions, four bytes of each of its 64 vectors; a byte is 255 less the vector's code, so that
// a sum of products grows as the codes shrink and a score needs no subtraction.
struct BytePanels {
  static constexpr size_t kLanes = 64;

  const uint8_t* bytes = nullptr;  // panels x width x 64
  const int32_t* bias = nullptr;   // of each vector; of padding the largest int32
  size_t panels = 0;
  size_t width = 0;  // dimensions, a multiple of 4
};

// A vector of smallest score among those whose numbers leave the same rest: of equals the lowest;
// the largest int32 and 0 where there is none.
struct PanelCandidate {
  static constexpr size_t kClasses = 16;  // the rests of a division by it

  int32_t score;
  uint32_t vector;
};

// A run of blocks of one list (index/list_segment.h) and what they are compared by.
struct ByteScan {
  static constexpr uint32_t kLanes = 64;      // vectors of a block
  static constexpr uint32_t kMaxCount = 256;  // vectors of a call

  const uint8_t* blocks = nullptr;
  uint32_t count = 0;              // vectors, at most kMaxCount
  uint32_t subspaces = 0;          // M, at most 64
  const uint8_t* table = nullptr;  // subspaces x 256
  uint16_t bias_factor = 0;        // biases count as bias * bias_factor / 65536, rounded down
  uint16_t threshold = 0;
};

// A vector that reached the threshold.
struct Survivor {
  uint32_t position;  // in the run
  uint16_t sum;       // of its table entries
  uint16_t bias;
};

// What makes floats of a byte table's sums: minimum_sum + step * sum.
struct ByteTableScale {
  float minimum_sum = 0;
  float step = 0;
};

// Where the codes of a row lie that have 0 to 8 bits each (index/packed_layout.h): code j is what
// the mask leaves of the two bytes from pairs[j] on, shifted right by shifts[j]. `count` codes, a
// multiple of kGroup; within a group the pairs ascend by 16 bytes at most.
struct PackedCodes {
  static constexpr size_t kGroup = 16;

  const uint16_t* pairs = nullptr;
  const uint16_t* shifts = nullptr;
  const uint16_t* masks = nullptr;
  size_t count = 0;
  size_t row_bytes = 0;
};

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

  // Byte products: score of vector v against a query = bias[v] + sum_j byte[v][j] * query[j]; a
  // query has panels.width elements. outs[i]: a score of each vector, padding included, against
  // queries[i].
  void (*panel_scores)(const BytePanels& panels, const int8_t* const* queries, size_t count,
                       int32_t* const* outs) noexcept;
  // For each of `count` queries, panels.width bytes apart, the vector of smallest score; of equals
  // the lowest.
  void (*panel_nearest)(const BytePanels& panels, const int8_t* queries, size_t count,
                        uint32_t* nearest) noexcept;

  // Selection. The k-th smallest of `count` values, 1 <= k <= count.
  int32_t (*kth_smallest)(const int32_t* values, size_t count, size_t k) noexcept;
  // Those of values[i] <= limit, ascending in i, to kept[] and their i to indices[], which have
  // room for `count`; how many.
  size_t (*collect_at_most)(const int32_t* values, size_t count, int32_t limit, int32_t* kept,
                            uint32_t* indices) noexcept;
  // The same in place, with what belongs to each value.
  size_t (*keep_at_most)(int32_t* values, uint64_t* belongings, size_t count,
                         int32_t limit) noexcept;

  // The tables of `count` queries, which share the reading of the columns: outs[i][m * 256 + k] =
  // sum over the dimensions j of sub-space m, ascending, of (scale * queries[i][j]) *
  // columns[j * 256 + k]; `begins` has subspaces + 1 offsets.
  void (*lookup_tables)(const float* const* queries, size_t count, const float* columns,
                        const uint32_t* begins, size_t subspaces, float scale,
                        float* const* outs) noexcept;
  // Such a table in bytes: of each sub-space the least entry becomes 0; one step for all
  // sub-spaces, so that the greatest span becomes 255.
  ByteTableScale (*byte_table)(const float* table, size_t subspaces, uint8_t* out) noexcept;

  // Plane A: the vectors whose sum + bias * bias_factor / 65536 (both terms rounded down, the whole
  // at most 65,535) is no more than the threshold, ascending; `out` has room for kMaxCount.
  size_t (*scan_bytes)(const ByteScan& scan, Survivor* out) noexcept;

  // Plane B, residual codes: out[i] = sum_j (offset[j] - scale[j] * codes[i][j])², with
  // offset = q - c - refine_min for that vector's list, given per vector.
  void (*refine_l2)(const float* const* offsets, const float* scale, const uint8_t* const* codes,
                    size_t count, size_t n, float* out) noexcept;
  // out[i] = sum_j query_scaled[j] * codes[i][j]  (inner product part of plane B)
  void (*refine_ip)(const float* query_scaled, const uint8_t* const* codes, size_t count, size_t n,
                    float* out) noexcept;

  // out[j] = (values[j] - low[j]) * inverse_step[j] to the nearest integer, within 0 and 255, less
  // 128; of what is not a number the lowest.
  void (*byte_codes)(const float* values, const float* low, const float* inverse_step, size_t n,
                     int8_t* out) noexcept = nullptr;
  // As panel_nearest, but for each query the nearest of every class: `out` has room for kClasses a
  // query.
  void (*panel_candidates)(const BytePanels& panels, const int8_t* queries, size_t count,
                           PanelCandidate* out) noexcept = nullptr;

  // Plane B in fewer bits: out[i] = sum_j weights[j] * code j of rows[i]; `weights` has codes.count
  // elements.
  void (*packed_products)(const PackedCodes& codes, const float* weights,
                          const uint8_t* const* rows, size_t count, float* out) noexcept = nullptr;
};

const KernelTable& PortableKernels();
// nullptr where this build or this machine has none of that name: "portable", "avx2", "avx512".
const KernelTable* FindKernels(const char* name);
// The best table of this machine, or the one KITH_KERNELS names (scalar and portable are the same);
// chosen once. An unknown or unsupported name is reported by CheckKernelChoice and ignored here.
const KernelTable& ActiveKernels();

}  // namespace kith::index

#endif  // KITH_INDEX_KERNELS_KERNEL_TABLE_H_
