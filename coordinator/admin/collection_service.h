#ifndef KITH_COORDINATOR_ADMIN_COLLECTION_SERVICE_H_
#define KITH_COORDINATOR_ADMIN_COLLECTION_SERVICE_H_

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/meta/meta_store.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/index_health.h"
#include "coordinator/admin/operations.h"

namespace kith::coordinator {

// kith.v1.IndexParameters: zero fields are chosen, or keep what the collection has.
struct IndexChoice {
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  double target_recall = 0;
  uint64_t expected_points = 0;  // that what is chosen is for, where there are not so many yet
};

enum class CreateMode : uint8_t { kCreate, kValidateOnly };

struct CreateCollectionCall {
  std::string collection;
  uint32_t dimension = 0;
  Metric metric{};             // 0 where the request named none: refused
  ElementType element_type{};  // likewise
  uint32_t shards = 0;         // 0: the server's default
  IndexChoice index;
  PayloadSchema payload_fields;
  CreateMode mode = CreateMode::kCreate;
  std::string description = {};
};

// The fields that an update takes.
enum class CollectionField : uint8_t {
  kDescription,
  kTargetRecall,
  kExpectedPoints,
  kLists,
  kSubspaces,
  kPlaneBBytes,
};

struct UpdateCollectionCall {
  std::string collection;
  std::vector<CollectionField> fields;
  std::string description;
  IndexChoice index;
  std::string etag;  // empty: whatever the collection has
};

enum class CollectionStatus : uint8_t { kGreen = 1, kYellow = 2, kRed = 3 };

// kith.v1.Collection: the record and what the shards say of it now.
struct CollectionView {
  CollectionRecord record;
  std::vector<std::string> aliases = {};
  uint64_t points =
      0;  // exact where every shard answered, else with the last known count of others
  uint64_t indexed_points = 0;
  CollectionStatus status = CollectionStatus::kGreen;
  std::vector<std::string> reasons;
  MemoryByPart memory;
  uint64_t disk_bytes = 0;
  std::optional<bool> is_recall_reached;  // record.target_recall, by the measured curve
  std::optional<IndexHealth> health;      // of the serving version
};

// What one shard's verification came to; an error where it could not be made.
struct ShardVerification {
  ShardPlacement placement;
  absl::StatusOr<VerifyReply> reply;

  bool is_equal() const {
    return reply.ok() && reply->truth_mismatches == 0 && reply->index_mismatches == 0;
  }
};

struct PlanCollectionCall {
  uint32_t dimension = 0;
  ElementType element_type{};
  Metric metric{};
  uint64_t points = 0;
  uint32_t shards = 0;
  IndexChoice index;
  uint64_t memory_limit_bytes = 0;  // of one node; 0: what other collections leave of it
};

// kith.v1.PlanCollectionResponse. `steady` counts every row as resident (each was touched once);
// `fits` compares the fullest node's retrain peak without rows, which the page cache may give back,
// with what other collections leave it.
struct CollectionPlan {
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint32_t plane_b_bytes = 0;
  uint64_t sample_points = 0;
  MemoryByPart steady;
  uint64_t steady_bytes = 0;
  uint64_t retrain_peak_bytes = 0;
  uint64_t disk_bytes = 0;
  double bytes_per_vector = 0;
  bool fits = false;
  std::string why_not;
  std::vector<std::string> chosen;  // a sentence for each parameter: what it is and why
};

struct CollectionDefaults {
  uint32_t shards = 1;
  uint64_t memory_limit_bytes = 0;  // of one node; 0: not known, plans count with this machine's
};

uint64_t MachineMemoryBytes();

// Another one after each change of the record.
std::string EtagOf(const CollectionRecord& record);

// Collections: the logic behind the RPCs of the same names, without a wire.
//
// Codes: INVALID_ARGUMENT BAD_REQUEST with the fact `field`; ALREADY_EXISTS COLLECTION_EXISTS;
// RESOURCE_EXHAUSTED COLLECTION_LIMIT or MEMORY_LIMIT; NOT_FOUND COLLECTION_NOT_FOUND; UNAVAILABLE
// SHARD_UNAVAILABLE naming the node (try again when it is back); those of MetaStore. No shard is
// asked anything after `until`, when the caller stops waiting.
// Threads: any admin thread; every call may block.
class CollectionService {
 public:
  CollectionService(Catalog& catalog, Operations& operations, CollectionDefaults defaults)
      : catalog_(catalog), operations_(operations), defaults_(defaults) {}

  // With kValidateOnly the answer is what would be created, and nothing is.
  // UNAVAILABLE UNKNOWN_OUTCOME where it failed half-way and could not be undone: it may appear.
  absl::StatusOr<CollectionView> Create(const CreateCollectionCall& call,
                                        Deadline until = Deadline::max());
  absl::StatusOr<CollectionView> Get(const std::string& collection,
                                     Deadline until = Deadline::max());
  absl::StatusOr<std::vector<CollectionView>> List(Deadline until = Deadline::max());
  // Has every shard compare its digests with its bytes, one after another: this takes long.
  absl::StatusOr<std::vector<ShardVerification>> Verify(const std::string& collection,
                                                        Deadline until = Deadline::max());
  // Ends what runs on the collection, then removes its points from every shard. Where a node is
  // down the collection is gone for its users and reconciling removes the rest later: still OK.
  // Only under its own name, while no alias names it, and where `etag` is not empty while it has
  // that: FAILED_PRECONDITION COLLECTION_HAS_ALIASES, ABORTED ETAG_MISMATCH.
  absl::Status Delete(const std::string& collection, Deadline until = Deadline::max(),
                      const std::string& etag = "");
  // ABORTED ETAG_MISMATCH.
  absl::StatusOr<CollectionView> Update(const UpdateCollectionCall& call,
                                        Deadline until = Deadline::max());
  // Every alias afterwards. Codes as ChangedAliases.
  absl::StatusOr<Aliases> ChangeAliases(const std::vector<AliasChange>& changes);
  absl::StatusOr<Aliases> ListAliases();
  absl::StatusOr<CollectionPlan> Plan(const PlanCollectionCall& call,
                                      Deadline until = Deadline::max()) const;

  // A collection that is made of a backup, whose record has its name, shape and slots: gives it an
  // incarnation and shard ids, and keeps its name from others. Nobody sees it before EndRestore.
  // Codes as Create. An operation on that name must run until one of the other two has been called:
  // without one, reconciling takes it for a restore that was cut short.
  absl::StatusOr<CollectionRecord> BeginRestore(CollectionRecord record);
  absl::StatusOr<CollectionRecord> EndRestore(const CollectionRecord& record);
  void AbandonRestore(const CollectionRecord& record);
  // COLLECTION_EXISTS, COLLECTION_LIMIT, BAD_REQUEST: what BeginRestore would say of the name.
  absl::Status CheckFree(const std::string& collection);

 private:
  absl::StatusOr<CollectionRecord> NewRecord(const CreateCollectionCall& call);
  absl::Status CheckRoom(const std::string& name);
  absl::Status CheckMemory(const CollectionRecord& record, Deadline until) const;
  uint64_t MemoryFor(const PlanCollectionCall& call, Deadline until) const;
  absl::StatusOr<CollectionRecord> CreateOnShards(CollectionRecord record, Deadline until);
  // What to answer: `why`, or UNKNOWN_OUTCOME where the record may still be made ACTIVE.
  absl::Status RollBack(const CollectionRecord& record, const absl::Status& why);
  absl::Status Drop(const CollectionRecord& record, const Catalog::Change& check, Deadline until);
  absl::Status CheckDeletable(const CollectionRecord& record, const std::string& etag);

  Catalog& catalog_;
  Operations& operations_;
  const CollectionDefaults defaults_;
  std::mutex create_mutex_;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_COLLECTION_SERVICE_H_
