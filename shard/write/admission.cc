#include "shard/write/admission.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/payload_values.h"

namespace kith::shard {
namespace {

constexpr auto kSpaceCheckEvery = std::chrono::milliseconds(200);
constexpr uint64_t kDeletesShareOfReserve = 8;

bool IsKind(WriteKind kind) { return kind >= WriteKind::kUpsert && kind <= WriteKind::kDelete; }

bool IsKeyKind(char kind) { return kind == PointKey::kNumber || kind == PointKey::kUuid; }

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
  const size_t count = call.kinds.size();
  const size_t carried =
      static_cast<size_t>(std::count_if(call.kinds.begin(), call.kinds.end(),
                                        [](WriteKind kind) { return kind != WriteKind::kDelete; }));
  const uint64_t payloads =
      std::accumulate(call.payload_sizes.begin(), call.payload_sizes.end(), uint64_t{0});
  const bool shaped =
      count > 0 && count <= limits::kPointsPerCallMax &&
      call.keys.size() == count * PointKey::kSize &&
      call.vectors.size() == carried * parts_.vector_bytes &&
      (call.payload_sizes.empty() || call.payload_sizes.size() == carried) &&
      call.payloads.size() == payloads &&
      (call.if_versions.empty() || call.if_versions.size() == count) &&
      (call.request_id.empty() || call.request_id.size() == limits::kRequestIdBytes) &&
      (call.body_hash.empty() || call.body_hash.size() == limits::kBodyHashBytes) &&
      std::all_of(call.kinds.begin(), call.kinds.end(), IsKind) &&
      std::all_of(call.payload_sizes.begin(), call.payload_sizes.end(),
                  [](uint32_t size) { return size <= limits::kPayloadBytesMax; });
  if (!shaped) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                 "the parts of a shard write do not agree in size or are of no known kind");
  }
  if (call.epoch != 0 && call.epoch != parts_.state->applied().epoch) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kWrongEpoch,
                 "the write names another epoch of this shard; refresh the map");
  }
  for (size_t i = 0; i < count; ++i) {
    if (!IsKeyKind(call.keys[i * PointKey::kSize])) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
                   "a key of a shard write is neither a number nor a UUID");
    }
    const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
    if (!owned_slots_[SlotOf(key)]) {
      return Error(
          absl::StatusCode::kFailedPrecondition, reason::kWrongShard,
          fmt::format("point {} belongs to another shard; refresh the map", PointKeyToString(key)));
    }
  }
  return CheckPayloads(call);
}

// The coordinator has done so too; apply must not meet one that cannot be read.
absl::Status Admission::CheckPayloads(const WriteCall& call) const {
  if (parts_.spec.payload_fields.empty()) return absl::OkStatus();
  size_t at = 0;
  for (const uint32_t size : call.payload_sizes) {
    const std::string_view payload = std::string_view(call.payloads).substr(at, size);
    KITH_RETURN_IF_ERROR(ReadIndexedValues(payload, parts_.spec.payload_fields).status());
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
