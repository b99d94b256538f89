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

// A filter that picks a region of the vectors: so many more lists have nothing that passes than
// would if what passes were spread evenly. There its neighbours lie in more lists than elsewhere,
// in few rows of each: so many times the rows are wanted. Measured: docs/decisions/0042.
inline constexpr double kRegionEmptyShare = 0.25;
inline constexpr double kRegionFactor = 1.4;

// `empty_share`: of the lists that have rows, those of which none passes. Pure.
inline uint64_t WantedIn(const FilteredSearch& search, const FilteredRows& rows,
                         double empty_share) {
  const double per_list = static_cast<double>(rows.live) / rows.lists;
  const double empty_by_chance = std::pow(1 - search.share, per_list);
  const bool is_region = empty_share > empty_by_chance + kRegionEmptyShare;
  const auto wanted = static_cast<double>(search.passing_rows);
  return static_cast<uint64_t>(is_region ? wanted * kRegionFactor : wanted);
}

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTERED_SEARCH_H_
