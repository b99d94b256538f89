// What upkeep asks of the writer's thread, between two groups.
#include <fmt/format.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/write/writer.h"

namespace kith::shard {

absl::StatusOr<uint64_t> Writer::Move(std::span<const RowMove> moves) {
  uint64_t moved = 0;
  KITH_RETURN_IF_ERROR(Do([&]() -> absl::Status {
    KITH_RETURN_IF_ERROR(admission_.CheckMove(applier_.applied().next_row, moves.size()));
    KITH_ASSIGN_OR_RETURN(moved, applier_.Move(moves));
    return absl::OkStatus();
  }));
  return moved;
}

absl::Status Writer::SetFields(const SetFieldsCall& call) {
  return Do([&] { return applier_.SetFields(call); });
}

absl::Status Writer::AddOldRows(const OldRows& old) {
  return Do([&]() -> absl::Status {
    KITH_RETURN_IF_ERROR(admission_.CheckOldRows());
    return applier_.AddOldRows(old);
  });
}

absl::Status Writer::FinishField(uint16_t place) {
  return Do([&] { return applier_.FinishField(place); });
}

absl::Status Writer::ReleaseField(uint16_t place) {
  return Do([&] { return applier_.ReleaseField(place); });
}

// The snapshot lets go of them before anything else can be written to the row file.
absl::Status Writer::DropExtents(std::span<const uint32_t> extents) {
  return Do([&] {
    const absl::Status dropped = parts_.rows->Drop(extents);
    parts_.snapshots.Update([&](Snapshot& snapshot) {
      snapshot.rows = parts_.rows->view();
      snapshot.postings = snapshot.postings.WithoutDead(snapshot.tombstones);
    });
    return dropped;
  });
}

absl::StatusOr<uint64_t> Writer::RewriteRows(std::span<const uint32_t> rows) {
  uint64_t written = 0;
  KITH_RETURN_IF_ERROR(Do([&]() -> absl::Status {
    KITH_ASSIGN_OR_RETURN(written, RewriteHere(rows));
    return absl::OkStatus();
  }));
  return written;
}

// On the writer's thread: no row dies meanwhile, so one that lives must be in the truth.
absl::StatusOr<uint64_t> Writer::RewriteHere(std::span<const uint32_t> rows) {
  const auto snapshot = parts_.snapshots.Pin();
  std::vector<storage::StateStore::StoredRow> stored;
  KITH_RETURN_IF_ERROR(parts_.state->ReadRows(rows, stored));
  uint64_t written = 0;
  absl::Status lost;
  for (size_t i = 0; i < rows.size(); ++i) {
    const bool lives = rows[i] < snapshot->row_end && !snapshot->tombstones.IsDead(rows[i]);
    if (!lives) continue;
    if (stored[i].version == 0) {
      lost = storage::CorruptFile(parts_.directory + "/state",
                                  fmt::format("row {} is neither there nor dead", rows[i]));
      continue;
    }
    const storage::RowContent content =
        ContentOf(parts_.spec,
                  {rows[i], stored[i].key, stored[i].version, stored[i].vector, stored[i].payload});
    const RowHeader& header = snapshot->rows.Table(snapshot->row_end).Header(rows[i]);
    const bool is_whole = parts_.rows->IsValid(rows[i]) && header.version == content.version &&
                          header.content_hash == content.content_hash;
    if (is_whole) continue;
    parts_.rows->Write(content);
    ++written;
  }
  KITH_RETURN_IF_ERROR(lost);
  return written;
}

absl::Status Writer::Do(absl::AnyInvocable<absl::Status()> chore) {
  std::future<absl::Status> answer;
  {
    std::lock_guard lock(mutex_);
    if (!failure_.ok()) return failure_;
    if (!obstacle_.ok()) return obstacle_;
    if (stopping_) {
      return Error(absl::StatusCode::kUnavailable, reason::kDraining, "the shard is shutting down");
    }
    answer = chores_.emplace_back(Chore{std::move(chore), {}}).answer.get_future();
  }
  wake_.notify_one();
  return answer.get();
}

// False where none waited.
bool Writer::RunChore() {
  Chore chore;
  {
    std::lock_guard lock(mutex_);
    if (chores_.empty()) return false;
    chore = std::move(chores_.front());
    chores_.pop_front();
  }
  const absl::Status refusal = failure();
  chore.answer.set_value(refusal.ok() ? chore.run() : refusal);
  return true;
}

void Writer::RefuseChores(const absl::Status& why) {
  std::deque<Chore> refused;
  {
    std::lock_guard lock(mutex_);
    refused.swap(chores_);
  }
  for (Chore& chore : refused) chore.answer.set_value(why);
}

}  // namespace kith::shard
