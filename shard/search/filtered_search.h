#ifndef KITH_SHARD_SEARCH_FILTERED_SEARCH_H_
#define KITH_SHARD_SEARCH_FILTERED_SEARCH_H_

#include <algorithm>
#include <cmath>
#include <cstdint>

namespace kith::shard {

// So few rows are compared one by one whatever else: that costs no more than the lists would
// (docs/decisions/0042).
inline constexpr uint64_t kFilterExactRows = 4096;

// The fewer rows pass, the farther apart they lie: lists are probed by the inverse of the share to
// this power. Measured: docs/decisions/0042.
inline constexpr double kWidening = 0.6;

struct FilteredRows {
  uint64_t passing = 0;
  uint64_t live = 0;
  uint32_t lists = 0;   // of the index; 0: none
  uint32_t nprobe = 1;  // without a filter
  uint64_t exact_rows = kFilterExactRows;
};

struct FilteredSearch {
  bool is_exact = false;  // every passing row is compared
  uint32_t nprobe = 1;
};

// How to search under a filter. Pure.
inline FilteredSearch PlanFiltered(const FilteredRows& rows) {
  FilteredSearch search{rows.passing <= rows.exact_rows || rows.lists == 0, rows.nprobe};
  if (search.is_exact) return search;
  const double share = static_cast<double>(rows.passing) / static_cast<double>(rows.live);
  const double wider = std::ceil(rows.nprobe * std::pow(share, -kWidening));
  search.nprobe = static_cast<uint32_t>(std::min<double>(wider, rows.lists));
  return search;
}

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTERED_SEARCH_H_
