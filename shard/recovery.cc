#include "shard/recovery.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/maintenance/verifier.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/segment_file.h"
#include "shard/write/applier.h"
#include "shard/write/log_entry.h"
#include "shard/write/resolver.h"

namespace kith::shard {
namespace {

constexpr size_t kReplayGroup = 16;               // entries a state batch ...
constexpr uint64_t kReplayGroupBytes = 16 << 20;  // ... or so many bytes of them
constexpr size_t kRepairGroup = 1024;             // rows read from the truth at once
constexpr size_t kRepairRows = 1 << 20;           // marked dead at once

absl::Status Lost(const std::string& what) {
  return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
               fmt::format("{}; this copy does not serve: restore what is damaged from a copy ({})",
                           what, storage::kDamageRemedy));
}

std::string SegmentPath(const CopyParts& parts, const std::string& file) {
  return parts.directory + "/seg/" + file;
}

// The steps of Recover, which share the parts and the report.
class Recovery {
 public:
  Recovery(CopyParts& parts, Manifest& manifest) : parts_(parts), manifest_(manifest) {}

  absl::StatusOr<RecoveryReport> Run() {
    KITH_RETURN_IF_ERROR(LoadManifest());
    KITH_RETURN_IF_ERROR(LoadTombstones());
    LoadIndexes();
    KITH_RETURN_IF_ERROR(CheckRows());
    KITH_ASSIGN_OR_RETURN(const FieldStates fields, LoadFields(*parts_.state, parts_.spec));
    fields_ = std::make_shared<const FieldStates>(fields);
    if (HasIndexedFields(fields.schema)) {
      KITH_ASSIGN_OR_RETURN(postings_, Postings::FromState(*parts_.state));
    }
    KITH_RETURN_IF_ERROR(PublishStored());
    KITH_RETURN_IF_ERROR(ReplayLog());
    KITH_RETURN_IF_ERROR(CompareDigests());
    return report_;
  }

 private:
  absl::Status LoadManifest() {
    KITH_ASSIGN_OR_RETURN(parts_.digests, parts_.state->ReadDigests());
    KITH_ASSIGN_OR_RETURN(const std::string bytes, parts_.state->ReadManifest());
    if (bytes.empty()) return absl::OkStatus();
    KITH_ASSIGN_OR_RETURN(manifest_, DecodeManifest(bytes));
    return absl::OkStatus();
  }

  absl::Status LoadTombstones() {
    uint64_t from = manifest_.lsn;
    if (!manifest_.tombstones.empty()) {
      auto read =
          storage::ReadTombstoneFile(*parts_.files, SegmentPath(parts_, manifest_.tombstones));
      if (!read.ok()) return RebuildTombstones(read.status());
      tombstones_ = *std::move(read);
    }
    std::vector<uint32_t> dead;
    KITH_RETURN_IF_ERROR(
        parts_.state->ForEachDead(from, [&](uint32_t row) { dead.push_back(row); }));
    tombstones_ = tombstones_.With(dead);
    return absl::OkStatus();
  }

  // Every row that the truth does not have is dead: slower than the file, never wrong.
  absl::Status RebuildTombstones(const absl::Status& why) {
    spdlog::warn("event=tombstones_rebuilt shard={} error={}", parts_.spec.shard,
                 telemetry::LogValue(why.ToString()));
    manifest_.tombstones.clear();
    index::Tombstones dead;
    uint32_t expected = 0;
    std::vector<uint32_t> few;
    const auto bury = [&](uint32_t end) {
      if (end - expected >= index::Tombstones::kPageRows) {
        dead = dead.WithRange(expected, end);
      } else {
        for (uint32_t row = expected; row < end; ++row) few.push_back(row);
      }
      if (few.size() >= kRepairRows) dead = dead.With(std::exchange(few, {}));
    };
    KITH_RETURN_IF_ERROR(parts_.state->ForEachRow(0, [&](const storage::RowRecord& record) {
      bury(record.row);
      expected = record.row + 1;
      return absl::OkStatus();
    }));
    bury(parts_.state->applied().next_row);
    tombstones_ = dead.With(few);
    return absl::OkStatus();
  }

  void LoadIndexes() {
    for (const Manifest::Index& listed : manifest_.indexes) {
      const auto version = parts_.artifacts->Load(listed.version);
      if (version.ok()) {
        indexes_.push_back(LoadIndex(listed, *version));
        continue;
      }
      // The truth needs no artifact: exact search serves until the index is built again.
      spdlog::error(
          "event=index_left_out shard={} version={} "
          "error={}",
          parts_.spec.shard, listed.version, telemetry::LogValue(version.status().ToString()));
      report_.index_lost = true;
      lost_.push_back({listed.version, std::string(version.status().message())});
    }
  }

  // A segment that cannot be read is encoded again with all that follow it.
  BuiltIndex LoadIndex(const Manifest::Index& listed,
                       const std::shared_ptr<const index::IndexVersion>& version) {
    BuiltIndex built{version, {}, listed.indexed_end, listed.ready, false};
    const storage::SegmentIdentity identity{parts_.spec.incarnation, listed.version};
    for (const std::string& file : listed.segments) {
      auto segment =
          storage::ReadSegmentFile(*parts_.files, SegmentPath(parts_, file), identity, *version);
      if (!segment.ok()) {
        spdlog::error("event=index_encoded_again shard={} version={} error={}", parts_.spec.shard,
                      listed.version, telemetry::LogValue(segment.status().ToString()));
        report_.segments_lost = true;
        return {version, {}, 0, false, listed.ready};
      }
      built.ends.push_back(EndOf(**segment, version->lists()));
      built.segments.push_back(*std::move(segment));
    }
    return built;
  }

  // Rows between it and the next segment's first are dead.
  static uint32_t EndOf(const index::ListSegment& segment, uint32_t lists) {
    const auto side = segment.side_rows();
    uint32_t end = side.empty() ? 0 : side.back() + 1;
    for (uint32_t list = 0; list < lists; ++list) {
      const std::vector<uint32_t> rows = segment.Rows(list);
      if (!rows.empty()) end = std::max(end, rows.back() + 1);
    }
    return end;
  }

  absl::Status CheckRows() {
    const uint32_t row_end = parts_.state->applied().next_row;
    KITH_RETURN_IF_ERROR(parts_.rows->ClearFrom(row_end));
    const uint64_t extent_rows = uint64_t{1} << parts_.rows->view().extent_bits;
    std::vector<uint32_t> dead;  // extents that are there and need not be
    for (uint64_t begin = 0; begin < row_end; begin += extent_rows) {
      const auto end = static_cast<uint32_t>(std::min<uint64_t>(begin + extent_rows, row_end));
      const auto first = static_cast<uint32_t>(begin);
      if (end - begin == extent_rows && tombstones_.DeadBetween(first, end) == extent_rows) {
        dead.push_back(static_cast<uint32_t>(begin / extent_rows));
        continue;
      }
      KITH_RETURN_IF_ERROR(parts_.rows->Reserve(first, end));
      KITH_RETURN_IF_ERROR(CheckExtent(first, end));
    }
    std::erase_if(dead, [view = parts_.rows->view()](uint32_t e) { return !view.HasExtent(e); });
    return parts_.rows->Drop(dead);
  }

  absl::Status CheckExtent(uint32_t begin, uint32_t end) {
    std::vector<uint32_t> wrong;
    for (uint32_t row = begin; row < end; ++row) {
      if (tombstones_.IsDead(row) || parts_.rows->IsValid(row)) continue;
      wrong.push_back(row);
      if (wrong.size() == kRepairGroup) KITH_RETURN_IF_ERROR(RewriteRows(wrong));
    }
    return RewriteRows(wrong);
  }

  absl::Status RewriteRows(std::vector<uint32_t>& rows) {
    std::vector<storage::StateStore::StoredRow> stored;
    KITH_RETURN_IF_ERROR(parts_.state->ReadRows(rows, stored));
    for (size_t i = 0; i < rows.size(); ++i) {
      if (stored[i].version == 0) {
        return Lost(fmt::format("row {} is neither in the truth nor dead", rows[i]));
      }
      RewriteRow({rows[i], stored[i].key, stored[i].version, stored[i].vector, stored[i].payload});
    }
    rows.clear();
    return absl::OkStatus();
  }

  void RewriteRow(const storage::RowRecord& record) {
    parts_.rows->Write(ContentOf(parts_.spec, record));
    ++report_.rows_rewritten;
  }

  absl::Status PublishStored() {
    const storage::AppliedState applied = parts_.state->applied();
    parts_.snapshots.Update([&](Snapshot& snapshot) {
      snapshot.lsn = applied.applied_lsn;
      snapshot.row_end = applied.next_row;
      snapshot.live_points = applied.live_points;
      snapshot.rows = parts_.rows->view();
      snapshot.tombstones = tombstones_;
      snapshot.postings = std::move(postings_);
      snapshot.fields = fields_;
      snapshot.indexes = std::move(indexes_);
      snapshot.lost = std::move(lost_);
    });
    return absl::OkStatus();
  }

  absl::Status ReplayLog() {
    Applier applier(parts_);
    next_lsn_ = parts_.state->applied().applied_lsn + 1;
    KITH_RETURN_IF_ERROR(parts_.log->Read(
        parts_.spec.shard, next_lsn_,
        [&](const storage::LogRecord& record) { return ReplayEntry(applier, record); }));
    return CommitReplayed(applier);
  }

  absl::Status ReplayEntry(Applier& applier, const storage::LogRecord& record) {
    if (record.lsn != next_lsn_) {
      return Lost(fmt::format("the log misses lsn {}, it goes on with {}", next_lsn_, record.lsn));
    }
    ++next_lsn_;
    KITH_ASSIGN_OR_RETURN(const LogEntry entry, DecodeLogEntry(record.body, parts_.vector_bytes));
    if (resolver_ == nullptr) {
      resolver_ = std::make_unique<Resolver>(*parts_.state, applier.applied().next_row);
    }
    KITH_RETURN_IF_ERROR(resolver_->Lookup(entry.keys));
    const ResolvedWrite resolved = resolver_->Replay(entry, record.lsn);
    KITH_RETURN_IF_ERROR(parts_.rows->Reserve(applier.applied().next_row, resolver_->next_row()));
    KITH_RETURN_IF_ERROR(applier.Add(resolved, entry));
    if (parts_.faults.apply_twice) KITH_RETURN_IF_ERROR(applier.Add(resolved, entry));
    ++report_.entries_replayed;
    report_.bytes_replayed += record.body.size();
    uncommitted_bytes_ += record.body.size();
    if (++uncommitted_ == kReplayGroup || uncommitted_bytes_ >= kReplayGroupBytes) {
      return CommitReplayed(applier);
    }
    return absl::OkStatus();
  }

  absl::Status CommitReplayed(Applier& applier) {
    if (uncommitted_ == 0) return absl::OkStatus();
    uncommitted_ = 0;
    uncommitted_bytes_ = 0;
    resolver_.reset();
    KITH_RETURN_IF_ERROR(applier.Commit());
    applier.Publish();
    return absl::OkStatus();
  }

  uint64_t CountWrong(const BuiltIndex* index) const {
    return CountMismatches(parts_.digests, IndexDigests(*parts_.snapshots.Pin(), index));
  }

  absl::Status CompareDigests() {
    if (const uint64_t wrong = CountWrong(nullptr); wrong != 0) {
      KITH_RETURN_IF_ERROR(RewriteAllRows(wrong));
    }
    const auto snapshot = parts_.snapshots.Pin();
    for (const BuiltIndex& index : snapshot->indexes) {
      if (const uint64_t wrong = CountWrong(&index); wrong != 0) StartAgain(index, wrong);
    }
    return absl::OkStatus();
  }

  // Every record is whole, and yet they do not add up to the truth: once more from the truth, and
  // where that does not help either it is the truth that cannot be trusted.
  absl::Status RewriteAllRows(uint64_t wrong_before) {
    spdlog::error("event=rows_rewritten shard={} slots_that_differ={}", parts_.spec.shard,
                  wrong_before);
    ++report_.digest_repairs;
    KITH_RETURN_IF_ERROR(parts_.state->ForEachRow(0, [this](const storage::RowRecord& record) {
      KITH_RETURN_IF_ERROR(parts_.rows->Reserve(record.row, record.row + 1));
      RewriteRow(record);
      return absl::OkStatus();
    }));
    const uint64_t wrong = CountWrong(nullptr);
    if (wrong == 0) return absl::OkStatus();
    return Lost(fmt::format("{} slots of the rows differ from the truth", wrong));
  }

  void StartAgain(const BuiltIndex& wrong, uint64_t slots) {
    spdlog::error("event=index_encoded_again shard={} version={} slots_that_differ={}",
                  parts_.spec.shard, wrong.version->hash, slots);
    ++report_.digest_repairs;
    parts_.snapshots.Update([&](Snapshot& snapshot) {
      for (BuiltIndex& index : snapshot.indexes) {
        if (index.version == wrong.version) index = {wrong.version, {}, 0, false, wrong.ready};
      }
    });
  }

  CopyParts& parts_;
  Manifest& manifest_;
  RecoveryReport report_;
  index::Tombstones tombstones_;
  Postings postings_;
  std::shared_ptr<const FieldStates> fields_;
  std::vector<BuiltIndex> indexes_;
  std::vector<LostIndex> lost_;
  std::unique_ptr<Resolver> resolver_;
  uint64_t next_lsn_ = 0;
  size_t uncommitted_ = 0;
  uint64_t uncommitted_bytes_ = 0;
};

}  // namespace

absl::StatusOr<FieldStates> LoadFields(storage::StateStore& state, const ShardSpec& spec) {
  KITH_ASSIGN_OR_RETURN(const std::string bytes, state.ReadFields());
  if (bytes.empty()) return FieldStates::Created(spec.payload_fields);
  return DecodeFieldStates(bytes);
}

absl::Status CheckBeforeOpening(const CopyParts& parts, const storage::StateOptions& state) {
  const ShardId shard = parts.spec.shard;
  KITH_ASSIGN_OR_RETURN(const storage::AppliedState stored, storage::LookAtState(state));
  KITH_ASSIGN_OR_RETURN(const uint64_t logged, parts.log->LastLsn(shard));
  const uint64_t expected = parts.hint->Expected(shard);
  if (std::max(stored.applied_lsn, logged) < expected) {
    return Lost(
        fmt::format("writes up to lsn {} were acknowledged, the log {} ends at {} and the "
                    "state {} at {}",
                    expected, parts.log->directory(), logged, state.directory, stored.applied_lsn));
  }
  // The first entry to be applied must be there where a later one is.
  const absl::Status first =
      parts.log->Read(shard, stored.applied_lsn + 1,
                      [](const storage::LogRecord&) { return absl::CancelledError(); });
  return absl::IsCancelled(first) ? absl::OkStatus() : first;
}

absl::StatusOr<RecoveryReport> Recover(CopyParts& parts, Manifest& manifest) {
  return Recovery(parts, manifest).Run();
}

}  // namespace kith::shard
