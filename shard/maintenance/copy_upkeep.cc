#include "shard/maintenance/copy_upkeep.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "common/base/memory.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/maintenance/checkpoint_pin.h"
#include "shard/parts/steady_time.h"

namespace kith::shard {
namespace {

// After this long without a write even a short tail becomes a segment.
constexpr int64_t kQuietNs = 1'000'000'000;

}  // namespace

CopyUpkeep::CopyUpkeep(CopyParts& parts, Manifest manifest, WriterActions writer, Options options)
    : parts_(parts),
      before_encoding_(std::move(options.before_encoding)),
      checkpoints_(*parts.clock, options.checkpoints),
      indexer_(parts, options.encode_threads),
      compactor_(parts, std::move(writer.rows)),
      checkpointer_(parts, std::move(manifest)),
      encoding_(options.encode_pool, [this] { return EncodeSome(); }),
      maintenance_(options.pool, [this] { return MaintainSome(); }),
      scrubber_(parts, ActionsOfScrub(writer), options.scrub_every),
      scrub_(options.pool, [this] { return !stopping_ && scrubber_.Step(); }) {}

ScrubActions CopyUpkeep::ActionsOfScrub(WriterActions& writer) {
  return {std::move(writer.rewrite_rows),
          [this] {
            std::lock_guard lock(mutex_);
            return checkpointer_.files();
          },
          [this](const std::string& file) {
            std::lock_guard lock(mutex_);
            checkpointer_.Distrust(file);
            checkpoints_.Ask();
          }};
}

void CopyUpkeep::Join() {
  encoding_.Close();
  maintenance_.Close();
  scrub_.Close();
}

absl::Status CopyUpkeep::BuildIndex(const std::string& version) {
  {
    std::lock_guard lock(mutex_);
    KITH_RETURN_IF_ERROR(indexer_.Add(version));
  }
  checkpoints_.NoteIndexChanged();
  encoding_.Post();
  return absl::OkStatus();
}

void CopyUpkeep::DropIndex(const std::string& version) {
  std::lock_guard lock(mutex_);
  indexer_.Drop(version);
  checkpoints_.NoteIndexChanged();
  memory_freed_ = true;
}

void CopyUpkeep::OnApplied(uint64_t log_bytes) {
  checkpoints_.NoteLogged(log_bytes);
  last_write_ns_.store(Nanoseconds(parts_.clock->Now()), std::memory_order_relaxed);
  if (indexer_.HasRowsToEncode(Pace::kBusy)) encoding_.Post();
}

// What the state has flushed needs no log. Entries that go before the log's own memtable is full
// are never written a second time.
void CopyUpkeep::TruncateLog() {
  if (parts_.faults.skip_flush) return;  // the fault truncates what is not flushed
  const auto flushed = parts_.state->FlushedLsn();
  if (!flushed.ok() || *flushed <= truncated_lsn_) return;
  parts_.hint->NoteTruncated(parts_.spec.shard, *flushed);
  if (parts_.log->Truncate(parts_.spec.shard, *flushed).ok()) truncated_lsn_ = *flushed;
}

Pace CopyUpkeep::PaceNow() const {
  const int64_t idle = Nanoseconds(parts_.clock->Now()) - last_write_ns_.load();
  return idle > kQuietNs ? Pace::kQuiet : Pace::kBusy;
}

void CopyUpkeep::Tick() {
  TruncateLog();
  const Pace pace = PaceNow();
  if (indexer_.HasRowsToEncode(pace)) encoding_.Post();
  const bool has_work =
      compactor_.HasWork(pace) || indexer_.HasMerge(pace) || SpaceWaits(pace) || MemoryWaits(pace);
  if (has_work || indexer_.HasRetired() || checkpoints_.IsDue()) maintenance_.Post();
  if (scrubber_.IsDue()) scrub_.Post();
}

// While rows move, the index keeps up and no more: each one that moves leaves a dead row in a
// segment, and comes as a new one.
bool CopyUpkeep::EncodeSome() {
  const Pace pace = compactor_.HasWork(PaceNow()) ? Pace::kBusy : PaceNow();
  const auto ready = [this] {
    const auto snapshot = parts_.snapshots.Pin();
    return std::count_if(snapshot->indexes.begin(), snapshot->indexes.end(),
                         [](const BuiltIndex& index) { return index.ready; });
  };
  const auto before = ready();
  if (stopping_ || !indexer_.HasRowsToEncode(pace)) return false;
  if (before_encoding_) before_encoding_();
  indexer_.Encode(pace);
  // Not before: a checkpoint under way would take it for written down.
  checkpoints_.NoteIndexChanged();
  memory_freed_ = true;
  if (ready() != before) KeepReadyIndex();
  if (indexer_.HasMerge(pace)) maintenance_.Post();
  return indexer_.HasRowsToEncode(pace);
}

// At once, so that a start finds what a coordinator was told is ready; the rows that come meanwhile
// wait this once.
void CopyUpkeep::KeepReadyIndex() {
  checkpoints_.Ask();
  std::lock_guard lock(mutex_);
  if (checkpoints_.IsDue()) (void)RunCheckpoint();
}

// While rows wait to be encoded merges keep up and no more, too: what they merge grows yet.
bool CopyUpkeep::MergeSome(Pace pace) {
  if (indexer_.HasRowsToEncode(pace)) pace = Pace::kBusy;
  if (indexer_.HasMerge(pace)) {
    memory_freed_ = true;
    checkpoints_.NoteIndexChanged();
  }
  indexer_.Merge(pace);
  indexer_.FreeRetired();
  return indexer_.HasMerge(pace);
}

// A checkpoint that is due does not wait for the index, which under a stream of writes is never
// done. Freed memory goes back once it is quiet: that takes a while, in which every thread that
// allocates waits.
bool CopyUpkeep::MaintainSome() {
  std::lock_guard lock(mutex_);
  if (stopping_) return false;
  const Pace pace = PaceNow();
  const bool moving = compactor_.Step(pace);
  const bool more = MergeSome(moving ? Pace::kBusy : pace) || moving;
  const bool done = !more && !indexer_.HasRowsToEncode(pace);
  if (done && SpaceWaits(pace)) checkpoints_.Ask();
  if (checkpoints_.IsDue()) (void)RunCheckpoint();
  if (done && MemoryWaits(pace)) {
    memory_freed_ = false;
    ReturnFreeMemory();
  }
  return more;
}

// What is dead already needs no more than a checkpoint to give its space back, but not one after
// the other where that fails.
bool CopyUpkeep::SpaceWaits(Pace pace) const {
  return pace == Pace::kQuiet && !drop_failed_ && compactor_.HasDeadExtents();
}

void CopyUpkeep::DropDeadRows(const Snapshot& checkpointed) {
  const absl::Status dropped = compactor_.DropDead(checkpointed);
  drop_failed_ = !dropped.ok();
  if (dropped.ok()) return;
  spdlog::warn("event=rows_not_reclaimed shard={} error={}", parts_.spec.shard,
               telemetry::LogValue(dropped.ToString()));
}

absl::Status CopyUpkeep::RunCheckpoint() {
  const CheckpointSchedule::Covered covered = checkpoints_.Begin();
  const auto before = parts_.snapshots.Pin();
  const absl::Status status = checkpointer_.Run();
  if (status.ok()) {
    checkpoints_.Succeeded();
    if (!stopping_) DropDeadRows(*before);
    memory_freed_ = true;  // what was written down, and what a training before it took
    return status;
  }
  const std::chrono::seconds wait = checkpoints_.Failed(covered);
  spdlog::error("event=checkpoint_failed shard={} retry_after_s={} error={}", parts_.spec.shard,
                wait.count(), telemetry::LogValue(status.ToString()));
  return status;
}

absl::Status CopyUpkeep::Checkpoint() {
  std::lock_guard lock(mutex_);
  return RunCheckpoint();
}

absl::StatusOr<uint64_t> CopyUpkeep::Pin(const std::string& directory) {
  const uint64_t applied = parts_.snapshots.Pin()->lsn;
  std::lock_guard lock(mutex_);
  if (stopping_) {
    return Error(absl::StatusCode::kUnavailable, reason::kDraining, "the shard is being closed");
  }
  KITH_RETURN_IF_ERROR(RunCheckpoint());
  KITH_RETURN_IF_ERROR(PinCheckpoint(parts_, checkpointer_, directory));
  return applied;
}

}  // namespace kith::shard
