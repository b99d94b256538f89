#include "coordinator/duplicates/duplicate_clusters.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace kith::coordinator {

uint32_t DuplicateClusters::PlaceOf(const PointKey& key) {
  const auto [found, is_new] = places_.emplace(key, static_cast<uint32_t>(keys_.size()));
  if (is_new) {
    keys_.push_back(key);
    parents_.push_back(found->second);
    sizes_.push_back(1);
    ranks_.push_back(std::numeric_limits<float>::infinity());
  }
  return found->second;
}

uint32_t DuplicateClusters::RootOf(uint32_t place) {
  while (parents_[place] != place) {
    parents_[place] = parents_[parents_[place]];
    place = parents_[place];
  }
  return place;
}

bool DuplicateClusters::Link(const PointKey& a, const PointKey& b, float rank) {
  const size_t absent = (places_.contains(a) ? 0 : 1) + (places_.contains(b) ? 0 : 1);
  if (keys_.size() + absent > points_max_) return false;
  uint32_t root = RootOf(PlaceOf(a));
  uint32_t other = RootOf(PlaceOf(b));
  if (sizes_[root] < sizes_[other]) std::swap(root, other);
  ranks_[root] = std::min({ranks_[root], ranks_[other], rank});
  if (root == other) return true;
  parents_[other] = root;
  sizes_[root] += sizes_[other];
  return true;
}

std::vector<DuplicateCluster> DuplicateClusters::Take() {
  decltype(places_)().swap(places_);
  std::vector<std::pair<PointKey, uint32_t>> order;  // of all points, by key
  order.reserve(keys_.size());
  for (uint32_t place = 0; place < keys_.size(); ++place) {
    order.emplace_back(keys_[place], RootOf(place));
  }
  std::sort(order.begin(), order.end());
  std::vector<DuplicateCluster> clusters;
  std::vector<uint32_t> cluster_of(keys_.size(), ~0u);  // a root's
  for (const auto& [key, root] : order) {
    if (cluster_of[root] == ~0u) {
      cluster_of[root] = static_cast<uint32_t>(clusters.size());
      clusters.push_back({{}, ranks_[root]});
      clusters.back().keys.reserve(sizes_[root] * PointKey::kSize);
    }
    clusters[cluster_of[root]].keys.append(key.view());
  }
  keys_.clear();
  // They come by their smallest key.
  std::stable_sort(clusters.begin(), clusters.end(),
                   [](const auto& a, const auto& b) { return a.size() > b.size(); });
  return clusters;
}

}  // namespace kith::coordinator
