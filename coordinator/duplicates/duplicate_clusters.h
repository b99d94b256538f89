#ifndef KITH_COORDINATOR_DUPLICATES_DUPLICATE_CLUSTERS_H_
#define KITH_COORDINATOR_DUPLICATES_DUPLICATE_CLUSTERS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "common/vector/point_key.h"

namespace kith::coordinator {

// Points that lie near one another, each within the distance of another of them.
struct DuplicateCluster {
  std::string keys;  // PointKey::kSize bytes a point, ascending
  float rank = 0;    // of the two that are nearest

  size_t size() const { return keys.size() / PointKey::kSize; }
};

// Puts points that are linked into clusters (union by size, paths halved). Only points with a
// link take memory, some 90 bytes each, and there are at most `points_max` of them.
//
// Threads: one at a time.
class DuplicateClusters {
 public:
  explicit DuplicateClusters(size_t points_max) : points_max_(points_max) {}

  // False where there is no room for one of the two: then nothing is linked.
  bool Link(const PointKey& a, const PointKey& b, float rank);
  size_t points() const { return keys_.size(); }
  // All of them, the largest first, of equal ones that with the smallest key. Uses this up.
  std::vector<DuplicateCluster> Take();

 private:
  struct KeyHash {
    size_t operator()(const PointKey& key) const {
      return std::hash<std::string_view>()(key.view());
    }
  };

  uint32_t PlaceOf(const PointKey& key);
  uint32_t RootOf(uint32_t place);

  const size_t points_max_;
  std::unordered_map<PointKey, uint32_t, KeyHash> places_;
  std::vector<PointKey> keys_;
  std::vector<uint32_t> parents_;
  std::vector<uint32_t> sizes_;  // of the cluster, where the place is its root
  std::vector<float> ranks_;     // of its nearest link, likewise
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_DUPLICATES_DUPLICATE_CLUSTERS_H_
