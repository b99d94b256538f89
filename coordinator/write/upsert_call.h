#ifndef KITH_COORDINATOR_WRITE_UPSERT_CALL_H_
#define KITH_COORDINATOR_WRITE_UPSERT_CALL_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "common/base/clock.h"
#include "common/shard_api/shard_calls.h"
#include "common/vector/point_key.h"
#include "coordinator/search/vector_input.h"
#include "coordinator/search/write_token.h"

// kith.v1.Points' writes without a wire. Views are read before the service's method returns, so
// that rows go from the received message into the shards' buffers in one step.
namespace kith::coordinator {

struct UpsertPoint {
  std::optional<PointKey> key;  // absent: the id was missing or malformed
  VectorInput vector;
  std::string_view payload;
  std::optional<uint64_t> if_version;
};

struct UpsertColumns {
  std::span<const uint64_t> numbers;
  std::string_view vectors;                // numbers.size() rows in the collection's element type
  std::vector<std::string_view> payloads;  // empty, or one a point
};

struct UpsertCall {
  std::string collection;
  WriteKind mode = WriteKind::kUpsert;
  std::vector<UpsertPoint> points;       // these,
  std::optional<UpsertColumns> columns;  // or this
  std::string request_id;
  WritePriority priority = WritePriority::kInteractive;
  std::optional<Deadline> deadline;
};

struct UpsertAnswer {
  std::vector<absl::Status> statuses;  // empty when every point was written, else one a point
  std::vector<WriteToken> tokens;
  uint64_t written = 0;
  std::vector<uint64_t> versions;  // one a point: as stored after the call; 0: none, or not known
};

struct DeleteCall {
  std::string collection;
  std::vector<PointKey> keys;
  std::string request_id;
  std::optional<Deadline> deadline;
};

struct DeleteAnswer {
  uint64_t deleted = 0;  // points that were present
  std::vector<WriteToken> tokens;
};

// A change of the payloads of points that are there.
struct ChangePayloadCall {
  std::string collection;
  std::vector<PointKey> keys;
  std::vector<uint64_t> if_versions;  // empty, or one a key; 0: whichever it is
  WriteKind kind = WriteKind::kMergePayload;
  std::string change;
  std::string change_field = "payload";  // of the request: what an error names
  std::string request_id;
  std::optional<Deadline> deadline;
};

// A delete, or a change of the payloads, of the points that pass a filter.
struct SelectedWriteCall {
  std::string collection;
  std::shared_ptr<const Filter> filter;
  WriteKind kind = WriteKind::kDelete;
  std::string change;
  std::string change_field = "payload";
  std::string request_id;
  std::string page_token;  // of the call before
  std::optional<Deadline> deadline;
};

struct SelectedWriteAnswer {
  uint64_t written = 0;
  std::vector<WriteToken> tokens;
  std::string next_page_token;  // empty: nothing is left
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_WRITE_UPSERT_CALL_H_
