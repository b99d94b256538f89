// What Applier does where the fields change that a copy indexes, between two commits
// (docs/decisions/0057).
#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/write/applier.h"

namespace kith::shard {
namespace {

constexpr size_t kRunsAtOnce = 8;  // of 65,536 rows at most: a few milliseconds of copying

bool IsSameField(const PayloadField& a, const PayloadField& b) {
  return a.name == b.name && a.type == b.type;
}

void NoteMisfit(const PointKey& key, FieldBuild& build) {
  if (build.misfits++ == 0) build.first_misfit = key;
}

}  // namespace

// The keys of what is dropped go in the batch that says so; their runs go in pieces afterwards.
absl::Status Applier::SetFields(const SetFieldsCall& call) {
  if (call.revision < fields_->revision) {
    return Error(absl::StatusCode::kAborted, reason::kVersionMismatch,
                 fmt::format("the shard's fields are of revision {}, the call's of {}",
                             fields_->revision, call.revision));
  }
  if (call.revision == fields_->revision) return absl::OkStatus();
  auto next = std::make_shared<FieldStates>(ChangedFields(*fields_, call, applied_.next_row));
  const auto batch = parts_.state->NewBatch();
  for (size_t i = 0; i < fields_->schema.size(); ++i) {
    const bool goes = fields_->schema[i].is_indexed() && !next->schema[i].is_indexed();
    if (goes) batch->DeletePostingsOf(static_cast<uint16_t>(i));
  }
  batch->PutFields(EncodeFieldStates(*next));
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch));
  fields_ = std::move(next);
  Publish();
  if (fields_->revision == call.revision) return absl::OkStatus();
  return Error(absl::StatusCode::kUnavailable, reason::kNotReady,
               "the place of a new field is not free yet; try again", {{kRetryAfterMsFact, "200"}});
}

// A row that died since it was read has no posting key that anybody would delete: it is left out.
absl::Status Applier::AddOldRows(const OldRows& old) {
  const bool is_meant = old.place < fields_->schema.size() &&
                        fields_->schema[old.place].state == FieldState::kBuilding &&
                        IsSameField(fields_->schema[old.place], old.field) &&
                        fields_->builds[old.place].next == old.begin;
  if (!is_meant) return absl::OkStatus();
  const auto snapshot = parts_.snapshots.Pin();  // as published last: nobody else marks rows dead
  const auto batch = parts_.state->NewBatch();
  auto next = std::make_shared<FieldStates>(*fields_);
  FieldBuild& build = next->builds[old.place];
  std::vector<Posting> postings;
  for (const OldRows::Row& row : old.rows) {
    if (snapshot->tombstones.IsDead(row.row)) continue;
    if (!row.fits) NoteMisfit(row.key, build);
    for (const std::string& value : row.values) {
      const IndexedValue indexed{old.place, value};
      batch->PutPostings(row.row, {&indexed, 1});
      postings.push_back({old.place, value, row.row});
    }
  }
  build.next = old.end;
  next->schema[old.place].built_share = build.share();
  batch->PutFields(EncodeFieldStates(*next));
  KITH_RETURN_IF_ERROR(parts_.state->Write(*batch));
  fields_ = std::move(next);
  parts_.snapshots.Update([&](Snapshot& current) {
    current.fields = fields_;
    current.postings = current.postings.WithOld(std::move(postings), old.begin, old.end);
  });
  return absl::OkStatus();
}

absl::Status Applier::FinishField(uint16_t place) {
  if (fields_->FindBuilt() != place) return absl::OkStatus();
  auto next = std::make_shared<FieldStates>(*fields_);
  next->schema[place].state = FieldState::kReady;
  fields_ = std::move(next);
  Publish();
  return absl::OkStatus();
}

absl::Status Applier::ReleaseField(uint16_t place) {
  if (fields_->FindState(FieldState::kDropping) != place) return absl::OkStatus();
  parts_.snapshots.Update([&](Snapshot& current) {
    current.postings = current.postings.WithoutField(place, kRunsAtOnce);
    if (current.postings.HasField(place)) return;
    auto next = std::make_shared<FieldStates>(*fields_);
    next->schema[place] = {"", FieldType::kKeyword, FieldState::kFree};
    fields_ = next;
    current.fields = fields_;
  });
  return absl::OkStatus();
}

// A row that was not looked at yet, and whose payload goes on in a new one that will not be.
void Applier::NoteMisfits(uint32_t row_before, const PointKey& key, const FittingValues& fitting) {
  if (fitting.misfits.none()) return;
  std::shared_ptr<FieldStates> next;
  for (size_t i = 0; i < fields_->schema.size(); ++i) {
    const FieldBuild& build = fields_->builds[i];
    const bool is_awaited = fields_->schema[i].state == FieldState::kBuilding &&
                            row_before >= build.next && row_before < build.end;
    if (!fitting.misfits[i] || !is_awaited) continue;
    if (next == nullptr) next = std::make_shared<FieldStates>(*fields_);
    NoteMisfit(key, next->builds[i]);
  }
  if (next == nullptr) return;
  fields_ = std::move(next);
  fields_changed_ = true;
}

}  // namespace kith::shard
