#ifndef KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
#define KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kith {

// Batch searches wait behind interactive ones, and may wait until their deadline.
enum class SearchPriority : uint8_t { kInteractive = 0, kBatch = 1 };
inline constexpr size_t kSearchPriorities = 2;

// True once nobody waits for the answer; null: somebody always does.
using CancelMark = std::shared_ptr<const std::atomic<bool>>;

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
