#include "shard/write/applier.h"

#include <cstring>

#include "common/base/status.h"
#include "index/decode.h"

namespace kith::shard {

float InverseNorm(Metric metric, ElementType type, std::string_view vector) {
  if (metric != Metric::kCosine) return 1;
  return index::InverseNorm({type, vector.data(), vector.size() / ElementSize(type)});
}

Applier::Applier(CopyParts& parts)
    : parts_(parts),
      applied_(parts.state->applied()),
      batch_(parts.state->NewBatch()),
      is_touched_(limits::kSlots, false) {}

void Applier::TouchDigest(uint16_t slot) {
  if (is_touched_[slot]) return;
  is_touched_[slot] = true;
  touched_.push_back(slot);
}

void Applier::Put(const ResolvedOperation& operation, std::string_view vector,
                  std::string_view payload) {
  storage::RowContent content;
  content.row = operation.row;
  content.key = operation.key;
  content.slot = SlotOf(operation.key);
  content.version = operation.version;
  content.content_hash = storage::ContentHash(vector, payload);
  content.inverse_norm = InverseNorm(parts_.spec.metric, parts_.spec.element_type, vector);
  content.vector = vector;
  parts_.rows->Write(content);
  batch_->PutRow({operation.row, operation.key, operation.version, vector, payload});
  batch_->PutId(content.slot, operation.key, {operation.row, operation.version});
  parts_.digests[content.slot].Add(
      storage::PointDigest(operation.key, operation.version, content.content_hash));
  TouchDigest(content.slot);
  applied_.next_row = operation.row + 1;
  if (!operation.before.has_value()) ++applied_.live_points;
}

void Applier::Bury(uint64_t lsn, const ResolvedOperation& operation) {
  const uint32_t row = operation.before->row;
  const uint16_t slot = SlotOf(operation.key);
  const RowTable table = parts_.rows->view().Table(row + 1);
  parts_.digests[slot].Subtract(storage::PointDigest(operation.key, operation.before->version,
                                                     table.Header(row).content_hash));
  TouchDigest(slot);
  batch_->DeleteRow(row);
  if (parts_.faults.drop_tombstone && operation.kind == ResolvedKind::kDelete) return;
  batch_->MarkDead(lsn, row);
  dead_.push_back(row);
}

void Applier::Add(const ResolvedWrite& resolved, const LogEntry& entry) {
  size_t put = 0;
  size_t payload_offset = 0;
  for (const ResolvedOperation& operation : resolved.operations) {
    if (operation.kind != ResolvedKind::kRefused && operation.before.has_value()) {
      Bury(resolved.lsn, operation);
    }
    if (operation.kind == ResolvedKind::kPut) {
      uint32_t size;
      std::memcpy(&size, entry.payload_sizes.data() + put * sizeof(size), sizeof(size));
      Put(operation, entry.vectors.substr(put * parts_.vector_bytes, parts_.vector_bytes),
          entry.payloads.substr(payload_offset, size));
      ++put;
      payload_offset += size;
    } else if (operation.kind == ResolvedKind::kDelete) {
      batch_->DeleteId(SlotOf(operation.key), operation.key);
      if (operation.before.has_value()) --applied_.live_points;
    }
  }
  if (!entry.request_id.empty()) {
    batch_->PutDedupe(entry.request_id,
                      {std::string(entry.body_hash), entry.unix_ms,
                       EncodeDedupeReply(resolved.lsn, applied_.epoch, entry.outcomes)});
  }
  applied_.applied_lsn = resolved.lsn;
}

absl::Status Applier::Commit() {
  for (const uint16_t slot : touched_) {
    batch_->PutDigest(slot, parts_.digests[slot]);
    is_touched_[slot] = false;
  }
  touched_.clear();
  batch_->PutApplied(applied_);
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch_));
  batch_ = parts_.state->NewBatch();
  return absl::OkStatus();
}

void Applier::Publish() {
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    snapshot.lsn = applied_.applied_lsn;
    snapshot.row_end = applied_.next_row;
    snapshot.live_points = applied_.live_points;
    snapshot.rows = parts_.rows->view();
    if (!dead_.empty()) snapshot.tombstones = snapshot.tombstones.With(dead_);
  });
  dead_.clear();
}

}  // namespace kith::shard
