#include "shard/maintenance/verifier.h"

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

// Adds live rows to the digests.
class RowSum {
 public:
  explicit RowSum(const Snapshot& snapshot)
      : snapshot_(snapshot),
        table_(snapshot.rows.Table(snapshot.row_end)),
        digests_(limits::kSlots) {}

  void Add(uint32_t row) {
    if (row >= snapshot_.row_end || snapshot_.tombstones.IsDead(row)) return;
    const RowHeader& header = table_.Header(row);
    digests_[header.slot % limits::kSlots].Add(
        storage::PointDigest(PointKey::FromBytes(header.key), header.version, header.content_hash));
  }
  storage::SlotDigests Take() { return std::move(digests_); }

 private:
  const Snapshot& snapshot_;
  const RowTable table_;
  storage::SlotDigests digests_;
};

// What the stored rows add up to: the points, and what their payloads say in indexed fields.
struct TruthSums {
  storage::SlotDigests points{limits::kSlots};
  storage::SlotDigests postings{limits::kSlots};
  uint64_t live_points = 0;
};

// What is being built or given back is not all there, and nobody is answered from it.
bool IsAnswered(const Snapshot& snapshot, uint16_t place) {
  const PayloadSchema& schema = snapshot.fields->schema;
  return place >= schema.size() || schema[place].state == FieldState::kReady ||
         schema[place].state == FieldState::kFree;
}

absl::StatusOr<TruthSums> SumTruth(CopyParts& parts, const Snapshot& snapshot) {
  TruthSums sums;
  KITH_RETURN_IF_ERROR(parts.state->ForEachRow(0, [&](const storage::RowRecord& record) {
    ++sums.live_points;
    const uint16_t slot = SlotOf(record.key);
    sums.points[slot].Add(storage::PointDigest(
        record.key, record.version, storage::ContentHash(record.vector, record.payload)));
    const FittingValues fitting = ReadFittingValues(record.payload, snapshot.fields->schema);
    for (const IndexedValue& value : fitting.values) {
      if (!IsAnswered(snapshot, value.field)) continue;
      sums.postings[slot].Add(storage::PostingDigest(value.field, value.value, record.row));
    }
    return absl::OkStatus();
  }));
  return sums;
}

// The slot of a live row; the last one of all for what is none.
uint16_t SlotOfRow(const Snapshot& snapshot, uint32_t row) {
  if (row >= snapshot.row_end || snapshot.tombstones.IsDead(row)) return limits::kSlots - 1;
  return snapshot.rows.Table(snapshot.row_end).Header(row).slot % limits::kSlots;
}

// Of the posting keys, all of which belong to live rows.
absl::StatusOr<storage::SlotDigests> KeyDigests(CopyParts& parts, const Snapshot& snapshot) {
  storage::SlotDigests digests(limits::kSlots);
  KITH_RETURN_IF_ERROR(
      parts.state->ForEachPosting([&](const storage::StateStore::PostingRecord& posting) {
        if (!IsAnswered(snapshot, posting.field)) return absl::OkStatus();
        digests[SlotOfRow(snapshot, posting.row)].Add(
            storage::PostingDigest(posting.field, posting.value, posting.row));
        return absl::OkStatus();
      }));
  return digests;
}

// Of what filters are answered from, without the rows that have died since.
storage::SlotDigests PostingDigests(const Snapshot& snapshot) {
  storage::SlotDigests digests(limits::kSlots);
  for (const auto& run : snapshot.postings.runs()) {
    run->ForEach([&](uint16_t field, std::string_view value, uint32_t row) {
      if (row >= snapshot.row_end || snapshot.tombstones.IsDead(row)) return;
      if (!IsAnswered(snapshot, field)) return;
      digests[SlotOfRow(snapshot, row)].Add(storage::PostingDigest(field, value, row));
    });
  }
  return digests;
}

}  // namespace

storage::SlotDigests IndexDigests(const Snapshot& snapshot, const BuiltIndex* index) {
  RowSum sum(snapshot);
  uint32_t tail = 0;
  if (index != nullptr) {
    tail = index->indexed_end;
    for (const auto& segment : index->segments) {
      for (uint32_t list = 0; list < index->version->lists(); ++list) {
        for (const uint32_t row : segment->Rows(list)) sum.Add(row);
      }
      for (const uint32_t row : segment->side_rows()) sum.Add(row);
    }
  }
  for (uint64_t row = tail; row < snapshot.row_end;
       row = snapshot.tombstones.SkipDeadPages(row + 1)) {
    sum.Add(static_cast<uint32_t>(row));
  }
  return sum.Take();
}

uint64_t CountMismatches(const storage::SlotDigests& a, const storage::SlotDigests& b) {
  uint64_t mismatches = 0;
  for (size_t slot = 0; slot < a.size(); ++slot) mismatches += a[slot] == b[slot] ? 0 : 1;
  return mismatches;
}

absl::StatusOr<VerifyReply> VerifyCopy(CopyParts& parts, Deadline deadline) {
  while (parts.clock->Now() < deadline) {
    const auto snapshot = parts.snapshots.Pin();
    VerifyReply reply;
    KITH_ASSIGN_OR_RETURN(const storage::SlotDigests kept, parts.state->ReadDigests());
    KITH_ASSIGN_OR_RETURN(const TruthSums truth, SumTruth(parts, *snapshot));
    KITH_ASSIGN_OR_RETURN(const storage::SlotDigests keys, KeyDigests(parts, *snapshot));
    reply.live_points = truth.live_points;
    KITH_ASSIGN_OR_RETURN(const storage::AppliedState applied, parts.state->ReadApplied());
    // A write came between, or rows moved, or other fields are indexed.
    if (applied.applied_lsn != snapshot->lsn || applied.next_row != snapshot->row_end) continue;
    if (parts.snapshots.Pin()->fields->schema != snapshot->fields->schema) continue;
    reply.applied_lsn = snapshot->lsn;
    reply.slots_checked = limits::kSlots;
    reply.digest = storage::SumOf(truth.points).ToString();
    reply.truth_mismatches =
        std::max(CountMismatches(kept, truth.points), CountMismatches(truth.postings, keys));
    reply.index_mismatches = CountMismatches(kept, IndexDigests(*snapshot, nullptr));
    reply.index_mismatches = std::max(reply.index_mismatches,
                                      CountMismatches(truth.postings, PostingDigests(*snapshot)));
    for (const BuiltIndex& index : snapshot->indexes) {
      if (!index.ready) continue;
      reply.index_mismatches =
          std::max(reply.index_mismatches, CountMismatches(kept, IndexDigests(*snapshot, &index)));
    }
    return reply;
  }
  return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
               "writes kept coming while the shard was verified; try again when it is quieter");
}

}  // namespace kith::shard
