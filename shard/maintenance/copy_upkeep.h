#ifndef KITH_SHARD_MAINTENANCE_COPY_UPKEEP_H_
#define KITH_SHARD_MAINTENANCE_COPY_UPKEEP_H_

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <set>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/executor.h"
#include "shard/maintenance/checkpoint_schedule.h"
#include "shard/maintenance/checkpointer.h"
#include "shard/maintenance/indexer.h"
#include "shard/maintenance/manifest.h"
#include "shard/maintenance/row_compactor.h"
#include "shard/maintenance/scrubber.h"
#include "shard/maintenance/step_loop.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/pace.h"

namespace kith::shard {

// What goes on behind the writes and searches of one copy: rows are encoded, segments merged, dead
// rows given back, checkpoints made, the log truncated, and all that is stored read again. It says
// when each of them is due, in which order they go, and what of one waits for another.
//
// Threads: any; the construction, Stop and Join are the copy's.
class CopyUpkeep {
 public:
  struct Options {
    int encode_threads = 1;
    CheckpointSchedule::Limits checkpoints;
    std::chrono::nanoseconds scrub_every{};
    std::function<void()> before_encoding;  // called before each step; may hold it up
    Executor& pool;
    Executor& encode_pool;
  };
  // What only the writer may do, asked of it.
  struct WriterActions {
    RowActions rows;
    // Writes rows of the row file again, from the truth. Answers how many were wrong.
    std::function<absl::StatusOr<uint64_t>(std::span<const uint32_t>)> rewrite_rows;
  };

  // `manifest` is what stands on disk, and `parts` was just recovered from it.
  CopyUpkeep(CopyParts& parts, Manifest manifest, WriterActions writer, Options options);

  // Of recovery: what it replayed is not in a checkpoint, so that a shard that nobody writes to
  // makes one all the same, or each start would replay it again; nor is what it found missing.
  void NoteReplayed(uint64_t log_bytes) { checkpoints_.NoteLogged(log_bytes); }
  void NoteIndexLost() { checkpoints_.NoteIndexChanged(); }
  // Before anything is due: what the last run of the process left behind.
  absl::Status RemoveOrphans() { return checkpointer_.RemoveOrphans(); }
  // Asked a few times a second: starts what is due, and gives up what the log need not keep.
  void Tick();
  // After each group of writes, on the writer's thread.
  void OnApplied(uint64_t log_bytes);
  // Something large was given up that the allocator may hold on to.
  void NoteMemoryFreed() { memory_freed_ = true; }

  absl::Status BuildIndex(const std::string& version);
  void DropIndex(const std::string& version);
  // The index versions that a start would need.
  std::set<std::string> IndexVersions() const { return checkpointer_.versions(); }
  // So many bytes more may be read again and compared.
  void AllowScrub(uint64_t bytes) { scrubber_.Allow(bytes); }
  // A checkpoint soon, if there is anything in the log to be let go by it.
  void RequestCheckpoint() { checkpoints_.AskIfLogged(); }
  absl::Status Checkpoint();
  // A checkpoint, and its files under second names (PinCheckpoint). Writes and searches go on; the
  // lsn that was applied when it began.
  absl::StatusOr<uint64_t> Pin(const std::string& directory);

  uint64_t checkpoint_failures() const { return checkpoints_.failures(); }
  // What is damaged and cannot be mended; empty: nothing.
  std::string trouble() const { return scrubber_.trouble(); }

  // No step is begun any more.
  void Stop() { stopping_ = true; }
  // Waits for those under way.
  void Join();

 private:
  ScrubActions ActionsOfScrub(WriterActions& writer);
  Pace PaceNow() const;
  void TruncateLog();
  bool EncodeSome();
  void KeepReadyIndex();
  bool MergeSome(Pace pace);
  bool MaintainSome();
  bool SpaceWaits(Pace pace) const;
  bool MemoryWaits(Pace pace) const { return pace == Pace::kQuiet && memory_freed_; }
  void DropDeadRows(const Snapshot& checkpointed);
  absl::Status RunCheckpoint();

  CopyParts& parts_;
  const std::function<void()> before_encoding_;
  CheckpointSchedule checkpoints_;

  std::mutex mutex_;           // held while segments are replaced or a checkpoint is made
  Indexer indexer_;            // guarded by mutex_, save encoding
  RowCompactor compactor_;     // guarded by mutex_
  Checkpointer checkpointer_;  // guarded by mutex_
  std::atomic<bool> stopping_{false};
  std::atomic<bool> drop_failed_{false};   // space was not given back after the last checkpoint
  std::atomic<bool> memory_freed_{false};  // by upkeep, and not yet given back
  std::atomic<int64_t> last_write_ns_{0};  // steady clock
  uint64_t truncated_lsn_ = 0;             // the ticker's
  StepLoop encoding_;
  StepLoop maintenance_;
  Scrubber scrubber_;
  StepLoop scrub_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_COPY_UPKEEP_H_
