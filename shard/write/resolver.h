#ifndef KITH_SHARD_WRITE_RESOLVER_H_
#define KITH_SHARD_WRITE_RESOLVER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/storage/state_store.h"
#include "shard/write/log_entry.h"

namespace kith::shard {

// One operation as the writer decided it, with what apply needs to know of the past.
struct ResolvedOperation {
  ResolvedKind kind = ResolvedKind::kRefused;
  WriteOutcome outcome = WriteOutcome::kOk;
  PointKey key;
  uint32_t row = 0;                        // of a put: the row it gets
  uint64_t version = 0;                    // stored after the operation; 0: none
  std::optional<storage::IdEntry> before;  // what it replaces or deletes
};

// What the payload changes of a call make of the points that are there: one an operation.
struct ChangedPoint {
  WriteOutcome outcome = WriteOutcome::kOk;  // else why its payload cannot be changed so
  std::string vector;
  std::string payload;
};
using ChangedPoints = std::vector<ChangedPoint>;

struct ResolvedWrite {
  uint64_t lsn = 0;
  std::vector<ResolvedOperation> operations;
  ChangedPoints changed;       // of a call that changes payloads
  uint64_t version_below = 0;  // of a selection, and so is the next
  bool has_more = false;

  uint32_t puts() const;
  WriteReply Reply(uint64_t epoch) const;  // without live_points
};

// Decides conditions in log order. Looks ids up once for a group of calls and keeps what the
// group's earlier operations did to them, so that a later call of the same group sees it.
// Threads: the writer's only.
class Resolver {
 public:
  // `next_row` is the row the group's first put gets.
  Resolver(storage::StateStore& state, uint32_t next_row)
      : state_(state), first_row_(next_row), next_row_(next_row) {}

  // One batched read of the state for keys not seen in this group yet.
  absl::Status Lookup(std::string_view keys);
  // Whether the group has given one of the points a row, which the state does not have yet.
  bool HasWritten(std::string_view keys) const;
  // Reads what the payload changes of a call begin with, and makes them. Its keys have been looked
  // up, come once each, and the group has not written them. RESOURCE_EXHAUSTED BATCH_TOO_LARGE
  // where the points together are larger than an entry of the log may be; those of the state.
  absl::StatusOr<ChangedPoints> Change(const WriteCall& call);
  ResolvedWrite Resolve(const WriteCall& call, uint64_t lsn, ChangedPoints changed = {});
  // The same for an entry read back from the log: its outcomes are taken, not decided again.
  ResolvedWrite Replay(const LogEntry& entry, uint64_t lsn);
  uint32_t next_row() const { return next_row_; }

 private:
  struct KeyHash {
    size_t operator()(const PointKey& key) const {
      return std::hash<std::string_view>()(key.view());
    }
  };

  void Finish(ResolvedOperation& operation, uint64_t version);

  storage::StateStore& state_;
  const uint32_t first_row_;
  uint32_t next_row_;
  absl::flat_hash_map<PointKey, std::optional<storage::IdEntry>, KeyHash> known_;
  std::vector<PointKey> missing_;
  std::vector<std::optional<storage::IdEntry>> found_;
};

// The log's form of a resolved call.
std::string EncodeResolved(const WriteCall& call, const ResolvedWrite& resolved,
                           size_t vector_bytes);

}  // namespace kith::shard

#endif  // KITH_SHARD_WRITE_RESOLVER_H_
