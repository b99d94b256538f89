#ifndef KITH_COMMON_SHARD_API_SHARD_CALLS_H_
#define KITH_COMMON_SHARD_API_SHARD_CALLS_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "common/base/ids.h"
#include "common/payload/payload_schema.h"
#include "common/shard_api/write_calls.h"
#include "common/vector/element.h"
#include "common/vector/metric.h"

// What a coordinator asks of a shard, in flat form: a batch is a few buffers, not a thousand
// messages. The same structs cross the wire (common/rpc/shard_messages) and the direct call.
namespace kith {

struct ShardSpec {
  ShardId shard = 0;
  std::string collection;
  Uuid incarnation;
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  std::vector<std::pair<uint32_t, uint32_t>> slots;  // half-open ranges, ascending
  PayloadSchema payload_fields;
};

// Which payload fields the shard is to index from now on.
struct SetFieldsCall {
  ShardId shard = 0;
  Uuid incarnation;
  uint64_t revision = 0;  // of the coordinator's record: a smaller one is of a call that comes late
  PayloadSchema fields;   // by place; the states count only as indexed or free
};

struct GetCall {
  ShardId shard = 0;
  Uuid incarnation;
  std::string keys;
  bool with_vector = false;
  bool with_payload = false;
  uint64_t wait_lsn = 0;
};

struct GetReply {
  std::vector<uint8_t> found;      // one a key
  std::vector<uint64_t> versions;  // of those found, in order, and so below
  std::string vectors;
  std::vector<uint32_t> payload_sizes;
  std::string payloads;
};

struct MemoryByPart {
  uint64_t codes = 0;
  uint64_t refine = 0;
  uint64_t quantizer = 0;
  uint64_t rows = 0;
  uint64_t tombstones = 0;
  uint64_t payload_index = 0;
};

// A list that is so many times longer than the mean one is large.
inline constexpr uint64_t kLargeList = 4;

struct IndexState {
  std::string version;
  bool ready = false;  // every row below the tail is encoded: it may serve
  uint64_t indexed_rows = 0;
  uint64_t total_rows = 0;
  uint64_t out_of_range_rows = 0;
  uint32_t lists = 0;
  uint64_t list_rows = 0;        // in lists, dead ones too
  uint64_t list_rows_max = 0;    // of the longest list
  uint64_t large_list_rows = 0;  // in lists longer than kLargeList times the mean
  uint64_t dead_rows = 0;        // in lists and side lists
};

// One place of the schema as a shard has it.
struct FieldStat {
  std::string name;
  FieldType type = FieldType::kKeyword;
  FieldState state = FieldState::kReady;  // kDropping: its memory is being given back
  uint64_t built_rows = 0;                // while kBuilding: of total_rows, those looked at
  uint64_t total_rows = 0;
  uint64_t misfits = 0;      // points whose payload does not fit: the field never becomes ready
  std::string first_misfit;  // the key of one, empty: none
  bool operator==(const FieldStat&) const = default;
};

struct ShardStat {
  bool ready = false;
  std::string not_ready_reason;
  uint64_t epoch = 0;
  uint64_t applied_lsn = 0;
  uint64_t live_points = 0;
  uint64_t rows = 0;
  std::vector<IndexState> indexes;
  MemoryByPart memory;
  uint64_t disk_bytes = 0;
  Uuid incarnation;
  uint64_t fields_revision = 0;  // of the last SetFieldsCall
  std::vector<FieldStat> fields;
};

struct SampleHashesCall {
  ShardId shard = 0;
  uint64_t seed = 0;
  uint64_t count = 0;
};

struct SampleChunkCall {
  ShardId shard = 0;
  uint64_t seed = 0;
  uint64_t hash_begin = 0;  // inclusive
  uint64_t hash_end = 0;    // exclusive; 0: to the end
  uint32_t bytes_limit = 0;
};

// Points in ascending order of their sample hash; empty: no more.
struct SampleChunk {
  std::vector<uint64_t> hashes;
  std::string keys;
  std::string vectors;
};

struct TrainingChunk {
  std::string job;
  uint32_t dimension = 0;
  ElementType element_type = ElementType::kF32;
  SampleChunk sample;
};

struct StartTrainingCall {
  std::string job;
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  uint32_t lists = 0;
  uint32_t subspaces = 0;
  uint64_t seed = 0;
  uint32_t plane_b_bytes = 0;  // 0: one a dimension
};

struct TrainingState {
  bool done = false;
  double progress = 0;
  std::string artifact;  // content hash, once done without error
  uint64_t artifact_bytes = 0;
  absl::Status error;
};

struct ArtifactChunk {
  std::string artifact;
  uint64_t offset = 0;
  uint64_t total_bytes = 0;
  std::string data;
  uint64_t checksum = 0;  // XXH3-64 of data
};

struct VerifyReply {
  uint64_t applied_lsn = 0;
  uint64_t slots_checked = 0;
  uint64_t truth_mismatches = 0;
  uint64_t index_mismatches = 0;
  uint64_t live_points = 0;
  std::string digest;  // 32 hex digits, of all slots: equal where points, versions, contents are
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SHARD_CALLS_H_
