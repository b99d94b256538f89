#ifndef KITH_COMMON_SHARD_API_WRITE_CALLS_H_
#define KITH_COMMON_SHARD_API_WRITE_CALLS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/ids.h"
#include "common/payload/filter.h"

// What a coordinator asks a shard to write, in the flat form of common/shard_api/shard_calls.h.
namespace kith {

using ShardId = uint64_t;

enum class WriteKind : uint8_t {
  kUpsert = 1,
  kInsertOnly = 2,
  kUpdateOnly = 3,
  kDelete = 4,
  kMergePayload = 5,    // fields of WriteCall::change into the payload of a point that is there
  kReplacePayload = 6,  // all of it
};
constexpr bool CarriesVector(WriteKind kind) { return kind <= WriteKind::kUpdateOnly; }
constexpr bool ChangesPayload(WriteKind kind) { return kind >= WriteKind::kMergePayload; }

enum class WriteOutcome : uint8_t {
  kOk = 1,
  kAlreadyExists = 2,
  kNotFound = 3,
  kVersionMismatch = 4,
  kPayloadNoObject = 5,  // there is no JSON object to merge into
  kPayloadTooLarge = 6,  // merged, it would be
};
enum class WritePriority : uint8_t { kInteractive = 0, kImport = 1 };
inline constexpr uint64_t kNoVersionCondition = ~uint64_t{0};

// Points that the shard's writer finds when the write comes to its turn: what it does to them is
// decided in log order, as a condition is.
struct WriteSelection {
  std::shared_ptr<const Filter> filter;
  // Only points whose stored version is below; 0: all that are there. A write gives its points
  // greater versions, so that batch after batch with the bound of the first ends, and leaves alone
  // what others wrote since.
  uint64_t version_below = 0;
  uint32_t limit = 1;  // points of this batch, 1 to limits::kSelectionPointsMax
};

struct WriteCall {
  ShardId shard = 0;
  Uuid incarnation;
  uint64_t epoch = 0;      // 0: whatever the shard is at
  std::string request_id;  // empty or 16 bytes
  std::string body_hash;   // 16 bytes, of the whole client request
  std::vector<WriteKind> kinds;
  std::string keys;     // 17 bytes an operation
  std::string vectors;  // of the operations other than deletes, in order, stored form
  std::vector<uint32_t> payload_sizes;  // of the same operations; empty: none has a payload
  std::string payloads;
  std::vector<uint64_t> if_versions;  // empty, or one an operation; 0: only if absent
  WritePriority priority = WritePriority::kInteractive;
  uint64_t unix_ms = 0;
  std::string change;  // what all payload changes of the call put there
  // Then there is one kind, for all that are found, and nothing by operation.
  std::optional<WriteSelection> selection;
};

struct WriteReply {
  std::vector<WriteOutcome> outcomes;
  std::vector<uint64_t> versions;  // the stored version after the operation, 0 where there is none
  uint64_t epoch = 0;
  uint64_t lsn = 0;
  uint64_t live_points = 0;
  uint64_t version_below = 0;  // of a selection: the bound it had
  bool has_more = false;       // of a selection: points below the bound are left
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_WRITE_CALLS_H_
