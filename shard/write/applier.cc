#include "shard/write/applier.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "common/base/ids.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/decode.h"

namespace kith::shard {

namespace {

float InverseNorm(const ShardSpec& spec, std::string_view vector) {
  if (spec.metric != Metric::kCosine) return 1;
  const ElementType type = spec.element_type;
  return index::InverseNorm({type, vector.data(), vector.size() / ElementSize(type)});
}

}  // namespace

storage::RowContent ContentOf(const ShardSpec& spec, const storage::RowRecord& record) {
  storage::RowContent content;
  content.row = record.row;
  content.key = record.key;
  content.slot = SlotOf(record.key);
  content.version = record.version;
  content.content_hash = storage::ContentHash(record.vector, record.payload);
  content.inverse_norm = InverseNorm(spec, record.vector);
  content.vector = record.vector;
  return content;
}

Applier::Applier(CopyParts& parts)
    : parts_(parts),
      applied_(parts.state->applied()),
      fields_(parts.snapshots.Pin()->fields),
      batch_(parts.state->NewBatch()),
      is_touched_(limits::kSlots, false) {}

void Applier::TouchDigest(uint16_t slot) {
  if (is_touched_[slot]) return;
  is_touched_[slot] = true;
  touched_.push_back(slot);
}

void Applier::NotePostings(uint32_t row, std::span<const IndexedValue> values) {
  for (const IndexedValue& value : values) postings_.push_back({value.field, value.value, row});
}

// Admission has refused what does not fit; what is left is a changed payload of before a field was
// indexed.
absl::Status Applier::Put(const ResolvedOperation& operation, std::string_view vector,
                          std::string_view payload) {
  if (HasIndexedFields(fields_->schema)) {
    FittingValues fitting = ReadFittingValues(payload, fields_->schema);
    if (operation.before.has_value()) {
      NoteMisfits(operation.before->row, operation.key, fitting);
    }
    batch_->PutPostings(operation.row, fitting.values);
    NotePostings(operation.row, fitting.values);
    uncommitted_values_[operation.row] = std::move(fitting.values);
  }
  const storage::RowRecord record{operation.row, operation.key, operation.version, vector, payload};
  const storage::RowContent content = ContentOf(parts_.spec, record);
  parts_.rows->Write(content);
  batch_->PutRow(record);
  batch_->PutId(content.slot, operation.key, {operation.row, operation.version});
  parts_.digests[content.slot].Add(
      storage::PointDigest(operation.key, operation.version, content.content_hash));
  TouchDigest(content.slot);
  applied_.next_row = operation.row + 1;
  if (!operation.before.has_value()) ++applied_.live_points;
  return absl::OkStatus();
}

// The posting keys of the row that dies: what they are, its payload says.
absl::Status Applier::BuryPostings(const ResolvedOperation& operation) {
  if (!HasIndexedFields(fields_->schema)) return absl::OkStatus();
  const storage::IdEntry& before = *operation.before;
  const auto uncommitted = uncommitted_values_.find(before.row);
  if (uncommitted != uncommitted_values_.end()) {
    batch_->DeletePostings(before.row, uncommitted->second);
    return absl::OkStatus();
  }
  std::vector<storage::StateStore::StoredRow> stored;
  KITH_RETURN_IF_ERROR(parts_.state->ReadRows({&before.row, 1}, stored));
  if (stored[0].version != before.version) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 fmt::format("row {} of point {} is not in the truth; restore this shard from "
                             "another copy or a backup",
                             before.row, PointKeyToString(operation.key)));
  }
  batch_->DeletePostings(before.row, ReadFittingValues(stored[0].payload, fields_->schema).values);
  return absl::OkStatus();
}

// From the row file, which is at hand, where the record is whole and the one that is meant: a wrong
// hash would make the digest of the truth itself wrong, and the copy would refuse to open.
absl::StatusOr<uint64_t> Applier::ContentHashOf(const ResolvedOperation& operation) const {
  const storage::IdEntry& before = *operation.before;
  if (parts_.rows->IsValid(before.row)) {
    const RowHeader& header = parts_.rows->view().Table(before.row + 1).Header(before.row);
    if (header.version == before.version) return header.content_hash;
  }
  std::vector<storage::StateStore::StoredRow> stored;
  KITH_RETURN_IF_ERROR(parts_.state->ReadRows({&before.row, 1}, stored));
  if (stored[0].version == before.version) {
    return storage::ContentHash(stored[0].vector, stored[0].payload);
  }
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("row {} of point {} is neither in the row file nor in the truth; "
                           "restore this shard from another copy or a backup",
                           before.row, PointKeyToString(operation.key)));
}

absl::Status Applier::Bury(uint64_t lsn, const ResolvedOperation& operation) {
  const uint32_t row = operation.before->row;
  const uint16_t slot = SlotOf(operation.key);
  KITH_ASSIGN_OR_RETURN(const uint64_t content_hash, ContentHashOf(operation));
  parts_.digests[slot].Subtract(
      storage::PointDigest(operation.key, operation.before->version, content_hash));
  TouchDigest(slot);
  KITH_RETURN_IF_ERROR(BuryPostings(operation));
  batch_->DeleteRow(row);
  if (parts_.faults.drop_tombstone && operation.kind == ResolvedKind::kDelete) {
    return absl::OkStatus();
  }
  batch_->MarkDead(lsn, row);
  dead_.push_back(row);
  return absl::OkStatus();
}

absl::Status Applier::Add(const ResolvedWrite& resolved, const LogEntry& entry) {
  size_t put = 0;
  size_t payload_offset = 0;
  for (const ResolvedOperation& operation : resolved.operations) {
    if (operation.kind != ResolvedKind::kRefused && operation.before.has_value()) {
      KITH_RETURN_IF_ERROR(Bury(resolved.lsn, operation));
    }
    if (operation.kind == ResolvedKind::kPut) {
      uint32_t size;
      std::memcpy(&size, entry.payload_sizes.data() + put * sizeof(size), sizeof(size));
      KITH_RETURN_IF_ERROR(Put(operation,
                               entry.vectors.substr(put * parts_.vector_bytes, parts_.vector_bytes),
                               entry.payloads.substr(payload_offset, size)));
      ++put;
      payload_offset += size;
    } else if (operation.kind == ResolvedKind::kDelete) {
      batch_->DeleteId(SlotOf(operation.key), operation.key);
      if (operation.before.has_value()) --applied_.live_points;
    }
  }
  if (!entry.request_id.empty()) {
    batch_->PutDedupe(entry.request_id, {std::string(entry.body_hash), entry.unix_ms,
                                         EncodeDedupeReply(resolved.Reply(applied_.epoch))});
  }
  applied_.applied_lsn = resolved.lsn;
  return absl::OkStatus();
}

void Applier::Seal() {
  for (const uint16_t slot : touched_) {
    batch_->PutDigest(slot, parts_.digests[slot]);
    is_touched_[slot] = false;
  }
  touched_.clear();
  batch_->PutApplied(applied_);
  if (fields_changed_) batch_->PutFields(EncodeFieldStates(*fields_));
  fields_changed_ = false;
  is_sealed_ = true;
}

absl::Status Applier::Commit() {
  if (!is_sealed_) Seal();
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch_));
  is_sealed_ = false;
  uncommitted_values_.clear();
  batch_ = parts_.state->NewBatch();
  return absl::OkStatus();
}

void Applier::Publish() {
  parts_.snapshots.Update([&](Snapshot& snapshot) {
    snapshot.lsn = applied_.applied_lsn;
    snapshot.fields = fields_;
    if (!postings_.empty()) {
      snapshot.postings =
          snapshot.postings.With(std::move(postings_), snapshot.row_end, applied_.next_row);
    }
    snapshot.row_end = applied_.next_row;
    snapshot.live_points = applied_.live_points;
    snapshot.rows = parts_.rows->view();
    if (!dead_.empty()) snapshot.tombstones = snapshot.tombstones.With(dead_);
  });
  dead_.clear();
  postings_.clear();
}

// A moved row dies at the lsn of the next entry: a checkpoint made meanwhile, which may have looked
// before the move, keeps the mark, and one that lets it go has seen the move.
absl::StatusOr<uint64_t> Applier::Move(std::span<const RowMove> moves) {
  const auto snapshot = parts_.snapshots.Pin();  // as published last: nobody else marks rows dead
  const auto batch = parts_.state->NewBatch();
  storage::AppliedState applied = applied_;
  std::vector<uint32_t> dead;
  std::vector<Posting> postings;
  const std::shared_ptr<const FieldStates> fields_before = fields_;
  for (const RowMove& move : moves) {
    if (snapshot->tombstones.IsDead(move.row)) continue;
    const storage::RowRecord record{applied.next_row++, move.stored.key, move.stored.version,
                                    move.stored.vector, move.stored.payload};
    const FittingValues fitting = ReadFittingValues(record.payload, fields_->schema);
    const std::vector<IndexedValue>& values = fitting.values;
    NoteMisfits(move.row, record.key, fitting);
    const storage::RowContent content = ContentOf(parts_.spec, record);
    parts_.rows->Write(content);
    batch->PutRow(record);
    batch->PutId(content.slot, record.key, {record.row, record.version});
    batch->PutPostings(record.row, values);
    for (const IndexedValue& value : values) {
      postings.push_back({value.field, value.value, record.row});
    }
    if (parts_.faults.keep_moved_row) continue;
    batch->DeleteRow(move.row);
    batch->DeletePostings(move.row, values);
    batch->MarkDead(applied.applied_lsn + 1, move.row);
    dead.push_back(move.row);
  }
  if (applied.next_row == applied_.next_row) return 0;
  batch->PutApplied(applied);
  if (std::exchange(fields_changed_, false)) batch->PutFields(EncodeFieldStates(*fields_));
  if (absl::Status written = parts_.state->Write(*batch); !written.ok()) {
    fields_ = fields_before;
    return written;
  }
  const uint64_t moved = applied.next_row - applied_.next_row;
  applied_ = applied;
  dead_ = std::move(dead);
  postings_ = std::move(postings);
  Publish();
  return moved;
}

}  // namespace kith::shard
