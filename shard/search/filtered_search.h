#ifndef KITH_SHARD_SEARCH_FILTERED_SEARCH_H_
#define KITH_SHARD_SEARCH_FILTERED_SEARCH_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kith::shard {

// So many bytes of vectors are compared whatever else: that costs no more than the lists would
// (docs/decisions/0042).
inline constexpr uint64_t kFilterExactBytes = 1 << 20;
inline constexpr uint64_t kFilterExactRowsMin = 2048;
inline constexpr uint64_t kFilterExactRowsMax = 8192;

constexpr uint64_t FilterExactRows(uint32_t vector_bytes) {
  return std::clamp(kFilterExactBytes / vector_bytes, kFilterExactRowsMin, kFilterExactRowsMax);
}

// The fewer rows pass, the farther apart they lie: lists are probed by the inverse of the share to
// this power. Measured: docs/decisions/0042.
inline constexpr double kWidening = 0.3;

struct FilteredRows {
  uint64_t passing = 0;
  uint64_t live = 0;
  uint32_t lists = 0;   // of the index; 0: none
  uint32_t nprobe = 1;  // without a filter
  uint64_t exact_rows = 0;
};

struct FilteredSearch {
  bool is_exact = false;      // every passing row is compared
  uint64_t passing_rows = 0;  // that are to lie in the probed lists
  double share = 0;           // of the rows that passes
};

// How to search under a filter. Where what passes has nothing to do with the vectors, so many
// passing rows are as many lists as the wider nprobe has; where it lies together, it is those lists
// that matter, however far away. Pure.
inline FilteredSearch PlanFiltered(const FilteredRows& rows) {
  FilteredSearch search;
  search.is_exact = rows.passing <= rows.exact_rows || rows.lists == 0;
  if (search.is_exact) return search;
  search.share = static_cast<double>(rows.passing) / static_cast<double>(rows.live);
  const double wider = rows.nprobe * std::pow(search.share, -kWidening);
  const double per_list = static_cast<double>(rows.passing) / rows.lists;
  search.passing_rows = static_cast<uint64_t>(std::ceil(wider * per_list));
  return search;
}

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTERED_SEARCH_H_
