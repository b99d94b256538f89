#ifndef KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
#define KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_

#include <cstddef>
#include <cstdint>

namespace kith {

// Batch searches wait behind interactive ones, and may wait until their deadline.
enum class SearchPriority : uint8_t { kInteractive = 0, kBatch = 1 };
inline constexpr size_t kSearchPriorities = 2;

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
