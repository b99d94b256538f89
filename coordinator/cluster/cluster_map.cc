#include "coordinator/cluster/cluster_map.h"

#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/cluster/absent_node.h"

namespace kith::coordinator {
namespace {

using Services = std::map<std::string, ShardService*>;

// A route to a node nobody configured owns the service that says so.
struct AbsentRoute {
  explicit AbsentRoute(const std::string& name) : node(name) { route.service = &node; }
  ShardRoute route;
  AbsentNode node;
};

std::shared_ptr<const ShardRoute> NewRoute(const ShardPlacement& placement,
                                           const Services& services) {
  const auto found = services.find(placement.node);
  std::shared_ptr<ShardRoute> route;
  if (found != services.end()) {
    route = std::make_shared<ShardRoute>();
    route->service = found->second;
  } else {
    auto absent = std::make_shared<AbsentRoute>(placement.node);
    route = std::shared_ptr<ShardRoute>(absent, &absent->route);
  }
  route->shard = placement.shard;
  route->node = placement.node;
  return route;
}

std::shared_ptr<const ShardRoute> KeptRoute(const CollectionEntry* before,
                                            const ShardPlacement& placement) {
  if (before == nullptr) return nullptr;
  for (const auto& route : before->routes) {
    if (route->shard == placement.shard && route->node == placement.node) return route;
  }
  return nullptr;
}

}  // namespace

uint64_t CollectionEntry::LivePoints() const {
  uint64_t points = 0;
  for (const auto& route : routes) points += route->live_points.load(std::memory_order_relaxed);
  return points;
}

absl::StatusOr<std::shared_ptr<const CollectionEntry>> ClusterMap::Find(
    const std::string& name) const {
  {
    std::lock_guard lock(mutex_);
    const auto alias = aliases_.find(name);
    const auto found = entries_.find(alias == aliases_.end() ? name : alias->second);
    if (found != entries_.end()) return found->second;
  }
  return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
               fmt::format("there is no collection {}", name));
}

std::string ClusterMap::Resolve(const std::string& name) const {
  std::lock_guard lock(mutex_);
  const auto alias = aliases_.find(name);
  return alias == aliases_.end() ? name : alias->second;
}

std::vector<std::string> ClusterMap::AliasesOf(const std::string& collection) const {
  std::lock_guard lock(mutex_);
  std::vector<std::string> aliases;
  for (const auto& [alias, named] : aliases_) {
    if (named == collection) aliases.push_back(alias);
  }
  return aliases;
}

void ClusterMap::SetAliases(Aliases aliases) {
  std::lock_guard lock(mutex_);
  aliases_ = std::move(aliases);
}

std::vector<std::shared_ptr<const CollectionEntry>> ClusterMap::List() const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<const CollectionEntry>> entries;
  for (const auto& [name, entry] : entries_) entries.push_back(entry);
  return entries;
}

void ClusterMap::Put(const CollectionRecord& record, const Services& services) {
  std::lock_guard lock(mutex_);
  auto& slot = entries_[record.name];
  auto entry = std::make_shared<CollectionEntry>();
  entry->record = record;
  for (const ShardPlacement& placement : record.shards) {
    auto route = KeptRoute(slot.get(), placement);
    if (route == nullptr) route = NewRoute(placement, services);
    for (const auto& [begin, end] : placement.slots) {
      for (uint32_t s = begin; s < end && s < limits::kSlots; ++s) {
        entry->route_of_slot[s] = static_cast<uint16_t>(entry->routes.size());
      }
    }
    entry->routes.push_back(std::move(route));
  }
  slot = std::move(entry);
}

void ClusterMap::Remove(const std::string& name) {
  std::lock_guard lock(mutex_);
  entries_.erase(name);
}

}  // namespace kith::coordinator
