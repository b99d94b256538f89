#ifndef KITH_INDEX_EXACT_QUERY_H_
#define KITH_INDEX_EXACT_QUERY_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/search.h"
#include "index/status.h"

namespace kith::index {

// A query bound to the exact kernel of its view. Every path that reports a rank computes it here,
// so that a row has the same rank bits however it was found.
//
// Threads: one at a time.
class ExactQuery {
 public:
  static constexpr size_t kBatch = 64;

  // `view` and `query` must outlive the use of this. kInvalidArgument where a float query is not
  // finite or a cosine query has no direction.
  Status Bind(const IndexView& view, const void* query);

  // out[i] = rank of rows[i], at most kBatch of them. A rank that is no number counts as infinite.
  void RankRows(std::span<const uint32_t> rows, float* out) const;
  // The same for vectors that stand elsewhere; not under cosine, whose norms are in the row file.
  void RankVectors(std::span<const void* const> vectors, float* out) const;
  // Starts fetching what RankRows will read.
  void Prefetch(std::span<const uint32_t> rows) const;

  // The query as floats, normalised under cosine: the geometry of the index. `dimension` elements.
  const float* decoded() const { return decoded_.data(); }

 private:
  Status Decode(const void* query);
  void Score(std::span<const void* const> vectors, float* out) const;

  const IndexView* view_ = nullptr;
  const void* query_ = nullptr;
  // One of the two is set.
  void (*float_kernel_)(const float*, const void* const*, size_t, size_t,
                        float*) noexcept = nullptr;
  void (*byte_kernel_)(const uint8_t*, const void* const*, size_t, size_t,
                       float*) noexcept = nullptr;
  float inverse_norm_ = 1;
  std::vector<float> decoded_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_EXACT_QUERY_H_
