#include "coordinator/write/write_routing.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "common/base/ids.h"

namespace kith::coordinator {
namespace {

std::vector<uint16_t> RoutesOf(const WriteBatch& batch, const CollectionEntry& entry) {
  std::vector<uint16_t> routes(batch.operations());
  for (size_t i = 0; i < routes.size(); ++i) {
    const PointKey key = PointKey::FromBytes(batch.keys.data() + i * PointKey::kSize);
    routes[i] = entry.route_of_slot[SlotOf(key)];
  }
  return routes;
}

ShardWrite WholeBatch(WriteBatch& batch, const CollectionEntry& entry, size_t route) {
  ShardWrite write;
  write.route = route;
  write.call.shard = entry.routes[route]->shard;
  write.count = batch.operations();
  write.call.kinds.assign(write.count, batch.kind);
  write.call.keys = std::move(batch.keys);
  write.call.vectors = std::move(batch.vectors);
  write.call.payload_sizes = std::move(batch.payload_sizes);
  write.call.payloads = std::move(batch.payloads);
  write.call.if_versions = std::move(batch.if_versions);
  write.call.change = std::move(batch.change);
  return write;
}

// An empty write for each route that owns something, with its buffers reserved.
std::vector<ShardWrite> EmptyWrites(const std::vector<uint16_t>& routes,
                                    const CollectionEntry& entry, size_t vector_bytes) {
  std::vector<size_t> counts(entry.routes.size());
  for (const uint16_t route : routes) ++counts[route];
  std::vector<ShardWrite> writes;
  for (size_t route = 0; route < counts.size(); ++route) {
    if (counts[route] == 0) continue;
    ShardWrite& write = writes.emplace_back();
    write.route = route;
    write.count = counts[route];
    write.call.shard = entry.routes[route]->shard;
    write.call.keys.reserve(counts[route] * PointKey::kSize);
    write.call.vectors.reserve(counts[route] * vector_bytes);
    write.operations.reserve(counts[route]);
  }
  return writes;
}

void Append(const WriteBatch& batch, size_t operation, size_t vector_bytes, ShardWrite& write) {
  write.operations.push_back(static_cast<uint32_t>(operation));
  write.call.kinds.push_back(batch.kind);
  write.call.keys.append(batch.keys, operation * PointKey::kSize, PointKey::kSize);
  write.call.vectors.append(batch.vectors, operation * vector_bytes, vector_bytes);
  if (!batch.if_versions.empty()) write.call.if_versions.push_back(batch.if_versions[operation]);
}

}  // namespace

std::vector<ShardWrite> SplitByShard(WriteBatch& batch, const CollectionEntry& entry) {
  std::vector<ShardWrite> writes;
  if (batch.operations() == 0) return writes;
  const std::vector<uint16_t> routes = RoutesOf(batch, entry);
  if (std::count(routes.begin(), routes.end(), routes.front()) ==
      static_cast<ptrdiff_t>(routes.size())) {
    writes.push_back(WholeBatch(batch, entry, routes.front()));
    return writes;
  }
  const size_t vector_bytes = batch.vectors.size() / routes.size();
  writes = EmptyWrites(routes, entry, vector_bytes);
  std::vector<size_t> write_of_route(entry.routes.size());
  for (size_t i = 0; i < writes.size(); ++i) {
    write_of_route[writes[i].route] = i;
    writes[i].call.change = batch.change;
  }
  size_t payload_at = 0;
  for (size_t i = 0; i < routes.size(); ++i) {
    ShardWrite& write = writes[write_of_route[routes[i]]];
    Append(batch, i, vector_bytes, write);
    if (batch.payload_sizes.empty()) continue;
    write.call.payload_sizes.push_back(batch.payload_sizes[i]);
    write.call.payloads.append(batch.payloads, payload_at, batch.payload_sizes[i]);
    payload_at += batch.payload_sizes[i];
  }
  return writes;
}

}  // namespace kith::coordinator
