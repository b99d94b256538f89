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

absl::StatusOr<storage::SlotDigests> TruthDigests(CopyParts& parts, uint64_t& live_points) {
  storage::SlotDigests digests(limits::kSlots);
  live_points = 0;
  KITH_RETURN_IF_ERROR(parts.state->ForEachRow(0, [&](const storage::RowRecord& record) {
    ++live_points;
    digests[SlotOf(record.key)].Add(storage::PointDigest(
        record.key, record.version, storage::ContentHash(record.vector, record.payload)));
    return absl::OkStatus();
  }));
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
    KITH_ASSIGN_OR_RETURN(const storage::SlotDigests truth, TruthDigests(parts, reply.live_points));
    if (parts.state->applied().applied_lsn != snapshot->lsn) continue;  // a write came between
    reply.applied_lsn = snapshot->lsn;
    reply.slots_checked = limits::kSlots;
    reply.truth_mismatches = CountMismatches(kept, truth);
    reply.index_mismatches = CountMismatches(kept, IndexDigests(*snapshot, nullptr));
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
