#ifndef KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_

#include <cstdint>

namespace kith::coordinator {

// How deep a search goes that says nothing. Training measures the recall curve at these depths, so
// serving must use the same: one place.
inline constexpr uint32_t kRefineDefault = 160;  // candidates of plane A looked at through plane B
inline constexpr uint32_t kRerankDefault = 40;   // of those, compared with the stored vector
inline constexpr double kTargetRecallDefault = 0.95;

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_
