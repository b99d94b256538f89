#ifndef KITH_COORDINATOR_ADMIN_CATALOG_H_
#define KITH_COORDINATOR_ADMIN_CATALOG_H_

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/meta/meta_store.h"
#include "common/shard_api/shard_service.h"
#include "coordinator/cluster/cluster_map.h"

namespace kith::coordinator {

using NodeServices = std::map<std::string, ShardService*>;

// How patient administration is. The defaults are for production; tests shorten them.
struct AdminTiming {
  std::chrono::milliseconds call{30'000};        // deadline of one shard call
  std::chrono::milliseconds stat{2'000};         // of a status call: a dead node must not hold Get
  std::chrono::milliseconds long_call{120'000};  // of calls that walk over every point
  std::chrono::milliseconds poll{200};           // between looks at a job on a node
  std::chrono::milliseconds retry_pause{500};    // after UNAVAILABLE
  std::chrono::milliseconds node_patience{120'000};  // a node may restart within a training
  int attempts = 3;
  // A shard that answers but has encoded nothing more for so long stands still (its disk is full?).
  std::chrono::milliseconds encode_standstill{600'000};
};

// What everything in coordinator/admin works on. All outlive their users; nothing is owned.
struct AdminContext {
  MetaStore* meta = nullptr;
  ClusterMap* map = nullptr;
  NodeServices nodes;
  const Clock* clock = nullptr;
  AdminTiming timing;

  // Of one shard call, and never after `until`, when whoever asked stops waiting.
  Deadline CallDeadline(Deadline until = Deadline::max()) const {
    return std::min(clock->Now() + timing.call, until);
  }
  Deadline StatDeadline(Deadline until = Deadline::max()) const {
    return std::min(clock->Now() + timing.stat, until);
  }
  Deadline LongDeadline() const { return clock->Now() + timing.long_call; }
};

// The metadata and the map of it that requests use, changed together: whoever changes a record
// does so here, so that an older record never replaces a newer one in the map.
//
// Threads: any; calls block on the disk.
class Catalog {
 public:
  explicit Catalog(AdminContext context) : context_(std::move(context)) {}

  const AdminContext& context() const { return context_; }
  MetaStore& meta() const { return *context_.meta; }
  // The node's service; UNAVAILABLE SHARD_UNAVAILABLE naming it where it is not configured.
  absl::StatusOr<ShardService*> Node(const std::string& name) const;

  // Held while a collection is created, dropped or put right, and while a training begins: those
  // exclude each other by name. Blocks; never hold two (names share stripes).
  using NameLock = std::unique_lock<std::mutex>;
  NameLock Lock(const std::string& name);
  NameLock TryLock(const std::string& name);  // owns nothing where somebody holds it

  absl::StatusOr<CollectionRecord> Create(CollectionRecord record);
  // Reads the record, applies `change` and writes it by compare-and-swap, again a few times where
  // somebody else was faster; then the map follows (ACTIVE: put, else removed). NOT_FOUND where the
  // name is gone or stands for another incarnation.
  using Change = std::function<absl::Status(CollectionRecord&)>;
  absl::StatusOr<CollectionRecord> Modify(const CollectionRecord& known, const Change& change);
  // What requests are told of how far fields are that are being built: no change of the record.
  void ShowBuilt(const CollectionRecord& record, const std::map<std::string, double>& shares);
  absl::Status Delete(const CollectionRecord& record);
  absl::StatusOr<Aliases> ChangeAliases(const std::vector<AliasChange>& changes);
  // Brings the map to the aliases that the metadata has.
  absl::Status PublishAliases();
  // Brings the map to what the metadata says of one collection.
  absl::Status Publish(const std::string& name);

 private:
  absl::StatusOr<CollectionRecord> TryModify(const CollectionRecord& known, const Change& change);
  std::mutex& StripeOf(const std::string& name);
  void Show(const CollectionRecord& record);  // with change_mutex_ held

  const AdminContext context_;
  std::mutex change_mutex_;
  std::array<std::mutex, 64> name_stripes_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_CATALOG_H_
