#ifndef KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace kith::coordinator {

// How deep a search goes that says nothing. Training measures the recall curve at these depths, and
// once more at kRefineOfAllShards where they do not reach the goal: one place for both.
inline constexpr uint32_t kRefineDefault = 160;  // candidates of plane A looked at through plane B
inline constexpr uint32_t kRerankDefault = 40;   // of those, compared with the stored vector

// Together the shards look at no more than this, however many they are (and each at no more than
// one alone would): recall is not bought by splitting a collection.
inline constexpr uint32_t kRefineOfAllShards = 400;
inline constexpr uint32_t kRerankOfAllShards = 40;

constexpr uint32_t RefineOfShard(size_t shards) {
  return std::min<uint32_t>(
      kRefineDefault, kRefineOfAllShards / static_cast<uint32_t>(std::max<size_t>(1, shards)));
}
// As deep as all shards together may look.
constexpr uint32_t DeepestRefineOfShard(size_t shards) {
  return kRefineOfAllShards / static_cast<uint32_t>(std::max<size_t>(1, shards));
}
constexpr uint32_t RerankOfShard(size_t shards) {
  return std::min<uint32_t>(
      kRerankDefault, kRerankOfAllShards / static_cast<uint32_t>(std::max<size_t>(1, shards)));
}

inline constexpr double kTargetRecallDefault = 0.95;

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_DEFAULTS_H_
