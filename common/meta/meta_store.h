#ifndef KITH_COMMON_META_META_STORE_H_
#define KITH_COMMON_META_META_STORE_H_

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/shard_api/shard_calls.h"
#include "common/vector/element.h"
#include "common/vector/metric.h"

namespace kith {

// One point of the recall curve measured on held-out points.
struct RecallMeasure {
  uint32_t nprobe = 0;
  double recall_at_10 = 0;  // the mean
  double scanned_share = 0;
  double recall_low = 0;  // lower end of the mean's 95 % confidence interval
  uint32_t refine = 0;    // candidates of each shard looked at through plane B
  double stop_ratio = 0;  // of early termination (index/search.h); 0: none
};

// A trained version beside the one that served, with the same held-out queries.
struct RecallComparison {
  std::string serving_version;
  double target_recall = 0;
  RecallMeasure trained;   // where its curve aims at the target, interpolated
  RecallMeasure serving;   // the same, measured again
  double recall_gain = 0;  // of the trained one where it scans as many points as the serving one
  double tolerance = 0;    // a loss no greater than this may be chance
};

// One index version that the shards hold.
struct IndexVersionRecord {
  std::string version;
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  double target_recall = 0;     // that searches aim at under it
  uint64_t trained_points = 0;  // of the collection at that time; 0: not known
  uint64_t trained_unix_ms = 0;
  std::vector<RecallMeasure> recall;  // as CollectionRecord::recall
  std::optional<RecallComparison> comparison;
};

struct ShardPlacement {
  ShardId shard = 0;                                 // global, never used twice
  std::string node;                                  // name of the node that holds the one copy
  std::vector<std::pair<uint32_t, uint32_t>> slots;  // half-open, ascending
};

// What the cluster agrees on about one collection. Metadata holds hashes and states, never bytes.
struct CollectionRecord {
  // kRestoring: its shards are being made of a backup's; without the operation that makes them
  // it is dropped.
  enum class State : uint8_t { kCreating = 1, kActive = 2, kDropping = 3, kRestoring = 4 };

  std::string name;
  Uuid incarnation;
  State state = State::kCreating;
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  uint32_t lists = 0;          // as asked for; 0: chosen at each training
  uint32_t subspaces = 0;      // likewise
  uint32_t plane_b_bytes = 0;  // likewise
  uint32_t trained_lists = 0;  // of the serving version
  uint32_t trained_subspaces = 0;
  uint32_t trained_plane_b_bytes = 0;
  double target_recall = 0.95;
  uint64_t expected_points = 0;  // that the parameters are chosen for; 0: those that are there
  PayloadSchema payload_fields;  // that filters may name, by place
  uint64_t fields_revision = 0;  // one more each time a field is added or dropped
  std::string serving_version;   // empty: exact search
  std::string previous_version;  // what a rollback goes back to; empty: nothing
  // Of the serving version: a curve of ascending nprobe for each depth measured, shallowest first.
  std::vector<RecallMeasure> recall;
  // All that the shards hold, the serving one among them: coordinator/admin/index_versions.h keeps
  // this and the fields of the serving version above together.
  std::vector<IndexVersionRecord> versions;
  std::vector<ShardPlacement> shards;
  uint64_t created_unix_ms = 0;
  std::string description;  // for people
  uint64_t revision = 0;    // set by the store; every change is a compare-and-swap on it
};

// Further names of collections: alias to collection.
using Aliases = std::map<std::string, std::string>;
struct AliasChange {
  std::string alias;
  std::string collection;  // empty: the alias goes
};

// What `changes` make of `aliases`; `collections` are those that may be named. Pure.
// NOT_FOUND ALIAS_NOT_FOUND, COLLECTION_NOT_FOUND; ALREADY_EXISTS COLLECTION_EXISTS;
// RESOURCE_EXHAUSTED ALIAS_LIMIT.
absl::StatusOr<Aliases> ChangedAliases(Aliases aliases, const std::vector<AliasChange>& changes,
                                       const std::vector<CollectionRecord>& collections);

// Agreement: small records, changed by compare-and-swap. The local store is one RocksDB in the
// coordinator's directory; a clustered one stands behind the same interface.
//
// Codes: NOT_FOUND COLLECTION_NOT_FOUND, ALREADY_EXISTS COLLECTION_EXISTS, ABORTED
// VERSION_MISMATCH (read again), UNAVAILABLE STORAGE, DATA_LOSS CORRUPTION.
// Threads: any. Calls may block on the disk: admin threads only.
class MetaStore {
 public:
  virtual ~MetaStore() = default;
  virtual absl::StatusOr<Uuid> ClusterId() = 0;
  virtual absl::StatusOr<CollectionRecord> Get(const std::string& name) = 0;
  virtual absl::StatusOr<std::vector<CollectionRecord>> List() = 0;
  // Durable when they return; the record comes back with its new revision.
  virtual absl::StatusOr<CollectionRecord> Create(CollectionRecord record) = 0;
  virtual absl::StatusOr<CollectionRecord> Update(CollectionRecord record) = 0;
  virtual absl::Status Delete(const std::string& name, uint64_t revision) = 0;
  virtual absl::StatusOr<Aliases> ListAliases() = 0;
  // All of the changes or none, durable when it returns; every alias afterwards. As ChangedAliases.
  // A collection cannot be created under the name of an alias: ALREADY_EXISTS ALIAS_EXISTS.
  virtual absl::StatusOr<Aliases> ChangeAliases(const std::vector<AliasChange>& changes) = 0;
  // `count` consecutive shard ids that nobody had before; the first one.
  virtual absl::StatusOr<ShardId> ReserveShardIds(uint32_t count) = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_META_META_STORE_H_
