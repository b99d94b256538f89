#include "shard/fsck/shard_check.h"

#include <fmt/format.h>

#include <deque>
#include <memory>
#include <utility>
#include <vector>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "common/payload/payload_values.h"
#include "shard/fsck/index_image.h"
#include "shard/fsck/row_image.h"
#include "shard/maintenance/manifest.h"
#include "shard/maintenance/verifier.h"
#include "shard/parts/copy_parts.h"
#include "shard/recovery.h"
#include "shard/storage/digest.h"
#include "shard/storage/segment_file.h"
#include "shard/storage/state_store.h"

namespace kith::fsck {
namespace {

constexpr char kRestoreShard[] =
    "put what is damaged back from a copy, or restore the directory; points that exist nowhere "
    "else are lost";

// The same of a row and of the id that names it.
storage::Digest IdDigest(const PointKey& key, uint64_t version, uint32_t row) {
  return storage::PointDigest(key, version, row);
}

class ShardCheck {
 public:
  ShardCheck(const CheckHost& host, const storage::NodeDirectory::ShardDirectory& shard,
             Report& report)
      : host_(host), shard_(shard), state_path_(shard.path + "/state"), report_(report) {}

  std::optional<uint64_t> Run() {
    const std::optional<uint64_t> applied = Open();
    if (state_ == nullptr) return applied;
    if (!Take(state_->VerifyFiles()) || !LoadManifest() || !LoadFields()) return applied;
    LoadTombstones();
    for (const shard::Manifest::Index& listed : manifest_.indexes) {
      indexes_.emplace_back(host_, shard_, listed, report_);
    }
    RowImage rows(*host_.files, shard_, report_);
    if (!Take(WalkRows(rows)) || !Take(WalkIds()) || !Take(WalkPostings())) return applied;
    CompareSums();
    rows.AddTo(report_);
    if (has_tombstones_) CompareTombstones();
    for (const IndexImage& index : indexes_) index.Compare(tombstones_, report_);
    ++report_.shards;
    report_.points += live_;
    return applied;
  }

 private:
  // Adds what is not OK.
  bool Take(const absl::Status& status) {
    if (status.ok()) return true;
    AddState(std::string(status.message()));
    return false;
  }
  void AddState(std::string what) {
    report_.Add({state_path_, std::move(what), Remedy::kRestore, kRestoreShard});
  }

  std::optional<uint64_t> Open() {
    storage::StateOptions options;
    options.directory = state_path_;
    options.files = host_.files;
    options.access = storage::DatabaseAccess::kRead;
    const auto looked = storage::LookAtState(options);
    if (!Take(looked.status())) return std::nullopt;
    if (host_.log != nullptr) {
      shard::CopyParts parts;
      parts.spec = shard_.spec;
      parts.log = host_.log;
      parts.hint = host_.hint;
      if (!Take(shard::CheckBeforeOpening(parts, options))) return looked->applied_lsn;
      // Each entry that a start would apply.
      Take(host_.log->Read(shard_.spec.shard, looked->applied_lsn + 1,
                           [](const storage::LogRecord&) { return absl::OkStatus(); }));
    }
    if (!host_.files->Exists(state_path_ + "/CURRENT")) return looked->applied_lsn;  // an empty one
    auto state = storage::StateStore::Open(options);
    if (Take(state.status())) state_ = *std::move(state);
    return looked->applied_lsn;
  }

  bool LoadManifest() {
    const auto bytes = state_->ReadManifest();
    if (!Take(bytes.status())) return false;
    if (bytes->empty()) return true;
    auto manifest = shard::DecodeManifest(*bytes);
    if (!Take(manifest.status())) return false;
    manifest_ = *std::move(manifest);
    return true;
  }

  bool LoadFields() {
    auto fields = shard::LoadFields(*state_, shard_.spec);
    if (!Take(fields.status())) return false;
    fields_ = *std::move(fields);
    return true;
  }

  // Of a field that is being built, rows that nobody has looked at yet have no postings.
  bool IsIn(uint16_t place, uint32_t row) const {
    const shard::FieldBuild& build = fields_.builds[place];
    return fields_.schema[place].state == FieldState::kReady || row < build.next ||
           row >= build.end;
  }

  void LoadTombstones() {
    has_tombstones_ = true;
    if (!manifest_.tombstones.empty()) {
      const std::string path = shard_.path + "/seg/" + manifest_.tombstones;
      auto read = storage::ReadTombstoneFile(*host_.files, path);
      has_tombstones_ = read.ok();
      if (read.ok()) {
        tombstones_ = *std::move(read);
      } else {
        report_.Add({path, std::string(read.status().message()), Remedy::kStart,
                     "nothing: the next start makes it again from the state"});
      }
    }
    std::vector<uint32_t> dead;
    Take(state_->ForEachDead(manifest_.lsn, [&](uint32_t row) { dead.push_back(row); }));
    tombstones_ = tombstones_.With(dead);
  }

  absl::Status WalkRows(RowImage& rows) {
    return state_->ForEachRow(0, [&](const storage::RowRecord& record) -> absl::Status {
      ++live_;
      points_[SlotOf(record.key)].Add(storage::PointDigest(
          record.key, record.version, storage::ContentHash(record.vector, record.payload)));
      ids_of_rows_.Add(IdDigest(record.key, record.version, record.row));
      const FittingValues fitting = ReadFittingValues(record.payload, fields_.schema);
      for (const IndexedValue& value : fitting.values) {
        if (!IsIn(value.field, record.row)) continue;
        postings_of_rows_.Add(storage::PostingDigest(value.field, value.value, record.row));
      }
      if (has_tombstones_ && tombstones_.IsDead(record.row)) ++dead_that_live_;
      rows.Compare(record);
      for (IndexImage& index : indexes_) index.Note(record.row);
      return absl::OkStatus();
    });
  }

  absl::Status WalkIds() {
    return state_->ForEachId([&](const PointKey& key, const storage::IdEntry& entry) {
      ids_.Add(IdDigest(key, entry.version, entry.row));
      return absl::OkStatus();
    });
  }

  absl::Status WalkPostings() {
    return state_->ForEachPosting([&](const storage::StateStore::PostingRecord& posting) {
      postings_.Add(storage::PostingDigest(posting.field, posting.value, posting.row));
      return absl::OkStatus();
    });
  }

  void CompareSums() {
    const auto kept = state_->ReadDigests();
    if (!Take(kept.status())) return;
    if (const uint64_t wrong = shard::CountMismatches(*kept, points_); wrong != 0) {
      AddState(fmt::format("the points of {} slots are not what their digests say", wrong));
    }
    if (live_ != state_->applied().live_points) {
      AddState(fmt::format("it has {} points and counts {}", live_, state_->applied().live_points));
    }
    if (!(ids_ == ids_of_rows_)) AddState("ids and rows do not name each other");
    if (!(postings_ == postings_of_rows_)) {
      AddState("postings are not what the payloads say: filters would answer wrongly");
    }
  }

  void CompareTombstones() {
    const uint32_t end = state_->applied().next_row;
    const uint64_t dead = tombstones_.DeadBetween(0, end);
    if (dead_that_live_ == 0 && dead + live_ == end) return;
    report_.Add({shard_.path + "/seg",
                 fmt::format("of {} rows {} are marked dead, {} of which live in the state, and {} "
                             "live there",
                             end, dead, dead_that_live_, live_),
                 Remedy::kRestore, kRestoreShard});
  }

  const CheckHost& host_;
  const storage::NodeDirectory::ShardDirectory& shard_;
  const std::string state_path_;
  Report& report_;
  std::unique_ptr<storage::StateStore> state_;
  shard::Manifest manifest_;
  shard::FieldStates fields_;
  index::Tombstones tombstones_;
  bool has_tombstones_ = false;
  std::deque<IndexImage> indexes_;
  storage::SlotDigests points_{limits::kSlots};
  storage::Digest ids_of_rows_;
  storage::Digest ids_;
  storage::Digest postings_of_rows_;
  storage::Digest postings_;
  uint64_t live_ = 0;
  uint64_t dead_that_live_ = 0;
};

}  // namespace

std::optional<uint64_t> CheckShard(const CheckHost& host,
                                   const storage::NodeDirectory::ShardDirectory& shard,
                                   Report& report) {
  return ShardCheck(host, shard, report).Run();
}

}  // namespace kith::fsck
