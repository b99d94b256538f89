#ifndef KITH_COMMON_BASE_SEARCH_LIMITS_H_
#define KITH_COMMON_BASE_SEARCH_LIMITS_H_

#include <cstddef>
#include <cstdint>

// Limits of pages, groups and examples of a search, beside those of common/base/limits.h.
namespace kith::limits {

inline constexpr uint32_t kPageDepthMax = 25'000;  // hits that a search's pages are to hold
inline constexpr size_t kPageTokenBytesMax = 512;
inline constexpr uint32_t kGroupsMax = 1000;
inline constexpr uint32_t kGroupSizeDefault = 3;
inline constexpr uint32_t kGroupSizeMax = 100;
inline constexpr uint32_t kExamplesMax = 64;  // positive ones of a search; and as many negative
inline constexpr uint32_t kBestScoreLimitMax = 1000;

}  // namespace kith::limits

#endif  // KITH_COMMON_BASE_SEARCH_LIMITS_H_
