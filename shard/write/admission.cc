#include "shard/write/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string_view>
#include <unordered_set>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/filter_check.h"
#include "common/payload/payload_merge.h"
#include "common/payload/payload_values.h"

namespace kith::shard {
namespace {

constexpr auto kSpaceCheckEvery = std::chrono::milliseconds(200);
constexpr uint64_t kDeletesShareOfReserve = 8;

bool IsKind(WriteKind kind) {
  return kind >= WriteKind::kUpsert && kind <= WriteKind::kReplacePayload;
}

bool IsKeyKind(char kind) { return kind == PointKey::kNumber || kind == PointKey::kUuid; }

absl::Status BadWrite(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("a shard write: {}", what));
}

absl::Status Refuse(const char* reason, const std::string& message, int retry_after_ms) {
  return Error(absl::StatusCode::kResourceExhausted, reason, message,
               {{kRetryAfterMsFact, fmt::format("{}", retry_after_ms)}});
}

}  // namespace

Admission::Admission(CopyParts& parts, const AdmissionLimits& limits)
    : parts_(parts), limits_(limits), owned_slots_(limits::kSlots, false) {
  for (const auto& [begin, end] : parts.spec.slots) {
    std::fill(owned_slots_.begin() + begin, owned_slots_.begin() + end, true);
  }
}

absl::Status Admission::CheckCall(const WriteCall& call) const {
  const bool fits = call.selection.has_value() ? SelectionFits(call) : OperationsFit(call);
  const bool shaped =
      fits && !call.kinds.empty() && std::all_of(call.kinds.begin(), call.kinds.end(), IsKind) &&
      (call.request_id.empty() || call.request_id.size() == limits::kRequestIdBytes) &&
      (call.body_hash.empty() || call.body_hash.size() == limits::kBodyHashBytes);
  if (!shaped) return BadWrite("the parts do not agree in size or are of no known kind");
  if (call.epoch != 0 && call.epoch != parts_.state->applied().epoch) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongEpoch,
                 "the write names another epoch of this shard; refresh the map");
  }
  KITH_RETURN_IF_ERROR(CheckKeys(call));
  KITH_RETURN_IF_ERROR(CheckChange(call));
  if (call.selection.has_value()) {
    return CheckFilter(*call.selection->filter, parts_.snapshots.Pin()->fields->schema, "filter");
  }
  return CheckPayloads(call);
}

bool Admission::OperationsFit(const WriteCall& call) const {
  const size_t count = call.kinds.size();
  const auto carried =
      static_cast<size_t>(std::count_if(call.kinds.begin(), call.kinds.end(), CarriesVector));
  const uint64_t payloads =
      std::accumulate(call.payload_sizes.begin(), call.payload_sizes.end(), uint64_t{0});
  return count <= limits::kPointsPerCallMax && call.keys.size() == count * PointKey::kSize &&
         call.vectors.size() == carried * parts_.vector_bytes &&
         (call.payload_sizes.empty() || call.payload_sizes.size() == carried) &&
         call.payloads.size() == payloads &&
         (call.if_versions.empty() || call.if_versions.size() == count) &&
         std::all_of(call.payload_sizes.begin(), call.payload_sizes.end(),
                     [](uint32_t size) { return size <= limits::kPayloadBytesMax; });
}

bool Admission::SelectionFits(const WriteCall& call) {
  const WriteSelection& selection = *call.selection;
  return call.kinds.size() == 1 && !CarriesVector(call.kinds.front()) && call.keys.empty() &&
         call.vectors.empty() && call.payload_sizes.empty() && call.payloads.empty() &&
         call.if_versions.empty() && selection.filter != nullptr && selection.limit >= 1 &&
         selection.limit <= limits::kSelectionPointsMax;
}

absl::Status Admission::CheckKeys(const WriteCall& call) const {
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    if (!IsKeyKind(call.keys[at])) return BadWrite("a key is neither a number nor a UUID");
    const PointKey key = PointKey::FromBytes(call.keys.data() + at);
    if (!owned_slots_[SlotOf(key)]) {
      return Error(
          absl::StatusCode::kFailedPrecondition, reason::kWrongShard,
          fmt::format("point {} belongs to another shard; refresh the map", PointKeyToString(key)));
    }
  }
  return absl::OkStatus();
}

// A call changes payloads with all of its operations or with none, and each point once: what is
// changed is read before anything of the call is decided.
absl::Status Admission::CheckChange(const WriteCall& call) const {
  const WriteKind kind = call.kinds.front();
  if (std::none_of(call.kinds.begin(), call.kinds.end(), ChangesPayload)) {
    return call.change.empty() ? absl::OkStatus() : BadWrite("there is a change, and nobody's");
  }
  if (std::any_of(call.kinds.begin(), call.kinds.end(), [&](WriteKind k) { return k != kind; })) {
    return BadWrite("payload changes stand beside other operations");
  }
  std::unordered_set<std::string_view> keys;
  for (size_t at = 0; at < call.keys.size(); at += PointKey::kSize) {
    const auto key = std::string_view(call.keys).substr(at, PointKey::kSize);
    if (!keys.insert(key).second) return BadWrite("a payload change names a point twice");
  }
  if (call.change.size() > limits::kPayloadBytesMax) return BadWrite("the change is too large");
  if (kind == WriteKind::kMergePayload) KITH_RETURN_IF_ERROR(CheckPayloadChange(call.change));
  return ReadIndexedValues(call.change, parts_.snapshots.Pin()->fields->schema).status();
}

// The coordinator has done so too; apply must not meet one that cannot be read.
absl::Status Admission::CheckPayloads(const WriteCall& call) const {
  const auto snapshot = parts_.snapshots.Pin();
  const PayloadSchema& schema = snapshot->fields->schema;
  if (!HasIndexedFields(schema)) return absl::OkStatus();
  size_t at = 0;
  for (const uint32_t size : call.payload_sizes) {
    const std::string_view payload = std::string_view(call.payloads).substr(at, size);
    KITH_RETURN_IF_ERROR(ReadIndexedValues(payload, schema).status());
    at += size;
  }
  return absl::OkStatus();
}

absl::Status Admission::CheckRoom(uint32_t next_row, uint64_t rows) {
  // Deletes make room in the end, but need some first: for the log and the state.
  if (rows == 0) return CheckSpace(limits_.disk_reserve_bytes / kDeletesShareOfReserve);
  if (next_row + rows > limits::kRowsMax) {
    return Refuse(reason::kRowLimit,
                  "the shard has given out all its row numbers; make a collection of more shards",
                  60'000);
  }
  KITH_RETURN_IF_ERROR(CheckTail());
  KITH_RETURN_IF_ERROR(CheckSpace(limits_.disk_reserve_bytes));
  return parts_.rows->Reserve(next_row, static_cast<uint32_t>(next_row + rows));
}

absl::Status Admission::CheckMove(uint32_t next_row, uint64_t rows) {
  if (next_row + rows > limits::kRowsMax) {
    return Refuse(reason::kRowLimit, "the shard has given out all its row numbers", 60'000);
  }
  KITH_RETURN_IF_ERROR(CheckSpace(limits_.disk_reserve_bytes / kDeletesShareOfReserve));
  return parts_.rows->Reserve(next_row, static_cast<uint32_t>(next_row + rows));
}

absl::Status Admission::CheckTail() const {
  const auto snapshot = parts_.snapshots.Pin();
  const uint64_t most = snapshot->TailRowsMax();
  const uint64_t tail = snapshot->TailRows();
  if (tail <= most) return absl::OkStatus();
  return Refuse(
      reason::kIndexingBehind,
      fmt::format("{} rows wait to be indexed, {} at most; slow down and retry", tail, most), 200);
}

absl::Status Admission::CheckSpace(uint64_t disk_needed_bytes) {
  const Deadline now = parts_.clock->Now();
  if (now >= next_space_check_) {
    next_space_check_ = now + kSpaceCheckEvery;
    free_bytes_ = parts_.files->FreeBytes(parts_.directory);
    log_bytes_ = parts_.log->bytes();
  }
  KITH_RETURN_IF_ERROR(free_bytes_.status());
  if (*free_bytes_ < disk_needed_bytes) {
    return Refuse(
        reason::kDiskFull,
        fmt::format("{} MiB are free under {}, {} MiB are kept in reserve "
                    "(storage.disk_reserve_mb); free some space: reads go on, writes "
                    "resume by themselves",
                    *free_bytes_ >> 20, parts_.directory, limits_.disk_reserve_bytes >> 20),
        1000);
  }
  if (log_bytes_ <= limits_.log_bytes_max) return absl::OkStatus();
  return Refuse(reason::kLogFull,
                fmt::format("the node's log has {} MiB, {} at most (storage.log_max_mb): the "
                            "shards' checkpoints are behind; slow down and retry",
                            log_bytes_ >> 20, limits_.log_bytes_max >> 20),
                500);
}

}  // namespace kith::shard
