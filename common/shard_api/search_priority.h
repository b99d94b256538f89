#ifndef KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
#define KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace kith {

// Batch searches wait behind interactive ones, and may wait until their deadline. Background ones,
// which nobody waits for, stand in no queue with others: they have a thread of a node, which gives
// way to all others.
enum class SearchPriority : uint8_t { kInteractive = 0, kBatch = 1, kBackground = 2 };
inline constexpr size_t kSearchPriorities = 3;
inline constexpr size_t kQueuedPriorities = 2;  // the first of them, in the queue of a node

// True once nobody waits for the answer; null: somebody always does.
using CancelMark = std::shared_ptr<const std::atomic<bool>>;

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SEARCH_PRIORITY_H_
