#ifndef KITH_COORDINATOR_CLUSTER_CLUSTER_MAP_H_
#define KITH_COORDINATOR_CLUSTER_CLUSTER_MAP_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/meta/meta_store.h"
#include "common/shard_api/shard_service.h"

namespace kith::coordinator {

// Where one shard is served, and what is known of its size. `live_points` follows the shard's
// replies and the status poll: coverage is measured against it, not against who answered.
struct ShardRoute {
  ShardId shard = 0;
  ShardService* service = nullptr;  // outlives the map
  std::string node;
  mutable std::atomic<uint64_t> live_points{0};

  void NoteLivePoints(uint64_t points) const {
    live_points.store(points, std::memory_order_relaxed);
  }
};

// One collection as requests see it: its record, frozen, and its routes (which outlive changes of
// the record, so that their counters do too).
struct CollectionEntry {
  CollectionRecord record;
  std::vector<std::shared_ptr<const ShardRoute>> routes;
  std::array<uint16_t, limits::kSlots> route_of_slot{};

  uint64_t LivePoints() const;
};

// The coordinator's cached view of the metadata. Threads: any; Find takes a short lock and hands
// out an immutable entry.
class ClusterMap {
 public:
  // By its name or an alias. NOT_FOUND COLLECTION_NOT_FOUND (also while a collection is being
  // created or dropped).
  absl::StatusOr<std::shared_ptr<const CollectionEntry>> Find(const std::string& name) const;
  // The collection that an alias stands for; any other name is itself.
  std::string Resolve(const std::string& name) const;
  std::vector<std::string> AliasesOf(const std::string& collection) const;
  std::vector<std::shared_ptr<const CollectionEntry>> List() const;

  // Called after the metadata changed. `services` maps node names to their service.
  void Put(const CollectionRecord& record, const std::map<std::string, ShardService*>& services);
  void Remove(const std::string& name);
  // All at once: whoever looks finds the ones before or these.
  void SetAliases(Aliases aliases);

 private:
  mutable std::mutex mutex_;
  Aliases aliases_;
  std::map<std::string, std::shared_ptr<const CollectionEntry>> entries_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_CLUSTER_CLUSTER_MAP_H_
