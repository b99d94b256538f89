#ifndef KITH_SHARD_REPLICATION_REPLICA_SET_H_
#define KITH_SHARD_REPLICATION_REPLICA_SET_H_

#include <span>

#include "absl/status/status.h"
#include "shard/storage/log_store.h"

namespace kith::shard {

// The copies that must have an entry on their disks before it is committed. Threads: the writer's.
class ReplicaSet {
 public:
  virtual ~ReplicaSet() = default;
  // Returns once every member of the in-sync set has the records durably; the local copy's own log
  // append has already returned.
  virtual absl::Status Replicate(std::span<const storage::LogRecord> records) = 0;
};

// A set whose only member is the local copy: what is durable here is committed.
class SetOfOne final : public ReplicaSet {
 public:
  absl::Status Replicate(std::span<const storage::LogRecord>) override { return absl::OkStatus(); }
};

}  // namespace kith::shard

#endif  // KITH_SHARD_REPLICATION_REPLICA_SET_H_
