#ifndef KITH_SHARD_COPY_H_
#define KITH_SHARD_COPY_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/base/executor.h"
#include "common/shard_api/shard_service.h"
#include "shard/maintenance/checkpointer.h"
#include "shard/maintenance/indexer.h"
#include "shard/maintenance/row_compactor.h"
#include "shard/maintenance/sampler.h"
#include "shard/maintenance/scrubber.h"
#include "shard/maintenance/step_loop.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/index_shape.h"
#include "shard/recovery.h"
#include "shard/replication/replica_set.h"
#include "shard/search/search_queue.h"
#include "shard/search/search_runner.h"
#include "shard/search/workspace_pool.h"
#include "shard/storage/node_directory.h"
#include "shard/write/writer.h"

namespace kith::shard {

struct CopyOptions {
  int encode_threads = 1;
  uint64_t write_buffer_bytes = 32 << 20;  // of a column family of the state
  AdmissionLimits admission;
  uint64_t checkpoint_log_bytes = 256 << 20;  // a checkpoint is due after that much log ...
  uint64_t checkpoint_seconds = 300;          // ... or that long after a write
  // So many rows that pass a filter, and fewer, are compared exactly; absent: by their bytes.
  std::optional<uint64_t> filter_exact_rows;
  std::chrono::nanoseconds scrub_every = std::chrono::hours(1);
  std::function<void()> before_encoding;  // called before each step; may hold it up
  std::function<void()> before_fields;    // likewise, of what fields wait for
};

// What a node lends to all its copies; outlives them.
struct CopyHost {
  storage::FileSystem* files = nullptr;
  std::shared_ptr<storage::StoreMemory> memory;
  storage::LogStore* log = nullptr;
  storage::LogHint* hint = nullptr;
  storage::ArtifactStore* artifacts = nullptr;
  Clock* clock = nullptr;
  SearchQueue* searches = nullptr;
  Executor* maintenance_pool = nullptr;
  Executor* encode_pool = nullptr;
  WorkspacePool* workspaces = nullptr;
  CardWorker* card = nullptr;  // null: searches have none
  storage::Faults faults;
};

struct CopyHealth {
  bool ready = true;   // it answers and takes writes, and nothing that served is being mended
  std::string reason;  // why not, or what else is amiss
  uint64_t live_points = 0;
  uint64_t checkpoint_failures = 0;
  uint64_t digest_repairs = 0;
  UpkeepFigures upkeep;
  WriteQueueFigures write_queue;
};

// One copy of one shard: its truth, its index, the writer that changes them and the upkeep behind.
//
// Threads: any, except Close.
class Copy {
 public:
  // Opens and recovers. DATA_LOSS CORRUPTION: the copy must not serve; its files stay as they are.
  static absl::StatusOr<std::unique_ptr<Copy>> Open(
      const storage::NodeDirectory::ShardDirectory& directory, const CopyHost& host,
      const CopyOptions& options);
  // Waits for the upkeep and the encoding that are under way.
  ~Copy();

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done);
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done);
  void Get(GetCall call, Deadline deadline, Done<GetReply> done);
  void Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done);
  void Facet(FacetCall call, Deadline deadline, Done<FacetReply> done);
  ShardStat Stat() const;
  CopyHealth health() const;
  // The index versions whose artifacts this copy needs, also for its next start.
  std::set<std::string> IndexVersions() const;
  const Uuid& incarnation() const { return parts_->spec.incarnation; }
  Sampler& sampler() { return sampler_; }
  absl::Status BuildIndex(const std::string& version);
  absl::Status DropIndex(const std::string& version);
  absl::Status SetFields(const SetFieldsCall& call);
  absl::StatusOr<VerifyReply> Verify(Deadline deadline);
  // What waits for room on the disk ends with its error, now and from here on.
  void EndWaiting() { parts_->state->EndWaiting(); }
  // Makes a checkpoint, and second names of all the files that a start would begin from below
  // `directory`, which is not there: state/, seg/, artifacts/. They stay as they are whatever the
  // copy does afterwards. Writes and searches go on; the lsn that was applied when it began.
  absl::StatusOr<uint64_t> Pin(const std::string& directory);
  // The sum of the digests of what is stored, as the writes kept it.
  absl::StatusOr<storage::Digest> TruthDigest() const;
  const RecoveryReport& recovery() const { return recovery_; }
  const ShardSpec& spec() const { return parts_->spec; }

  // Asked a few times a second: starts what upkeep and encoding are due on their pools, and gives
  // up what the log need not keep any more.
  void Tick();
  // So many bytes more may be read again and compared.
  void AllowScrub(uint64_t bytes) { scrubber_.Allow(bytes); }
  // A checkpoint soon, if there is anything in the log to be let go by it.
  void RequestCheckpoint();
  // Stops the writer and the upkeep; `checkpoint` makes the next start a short one.
  enum class Checkpoint { kMake, kSkip };
  absl::Status Close(Checkpoint checkpoint);

 private:
  Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
       const CopyOptions& options);

  QueuedWork ReadUntil(Deadline deadline) const;
  void OnApplied(uint64_t log_bytes);
  bool CheckpointIsDue() const;
  void TruncateLog();
  Pace PaceNow() const;
  UpkeepFigures Figures(const Snapshot& snapshot) const;
  bool EncodeSome();
  void KeepReadyIndex();
  bool MergeSome(Pace pace);
  bool SpaceWaits(Pace pace) const;
  bool MemoryWaits(Pace pace) const { return pace == Pace::kQuiet && memory_freed_; }
  void DropDeadRows(const Snapshot& checkpointed);
  absl::Status PinFiles(const std::string& directory) const;
  bool ChangeFields();
  bool FieldsWait() const;
  absl::Status StepFields(const FieldStates& fields);
  bool Upkeep();
  absl::Status RunCheckpoint();
  ScrubActions ActionsOfScrub();

  const CopyOptions options_;
  const CopyHost host_;
  const std::unique_ptr<CopyParts> parts_;
  RecoveryReport recovery_;
  const std::shared_ptr<SearchFlow> flow_;  // of its collection
  SetOfOne replicas_;
  SearchRunner searches_;
  Sampler sampler_;
  mutable IndexShapes shapes_;  // of Stat

  std::mutex upkeep_mutex_;    // held while segments are replaced or a checkpoint is made
  Indexer indexer_;            // guarded by upkeep_mutex_, save encoding
  RowCompactor compactor_;     // guarded by upkeep_mutex_
  Checkpointer checkpointer_;  // guarded by upkeep_mutex_
  std::atomic<bool> closing_{false};
  std::atomic<bool> index_changed_{false};   // since the last checkpoint
  std::atomic<bool> checkpoint_now_{false};  // an index became ready: keep it
  std::atomic<bool> drop_failed_{false};     // space was not given back after the last one
  std::atomic<bool> memory_freed_{false};    // by upkeep, and not yet given back
  std::atomic<uint64_t> log_bytes_{0};       // since the last checkpoint
  std::atomic<int64_t> last_write_ns_{0};    // steady clock
  std::atomic<int64_t> last_checkpoint_ns_{0};
  uint64_t truncated_lsn_ = 0;                         // the ticker's
  std::atomic<int64_t> checkpoint_retry_after_ns_{0};  // of waiting; 0: the last one succeeded
  std::atomic<int64_t> checkpoint_failed_ns_{0};       // when the last one failed
  std::atomic<uint64_t> checkpoint_failures_{0};
  StepLoop encoding_;
  // What a crash does not undo: of the fields' revision, as long as it is kept.
  std::atomic<uint64_t> durable_fields_{0};
  std::atomic<bool> fields_failed_{false};  // the last step of them did
  StepLoop upkeep_;
  StepLoop fields_;
  Scrubber scrubber_;
  StepLoop scrub_;
  Writer writer_;  // last: its thread uses what is above
};

}  // namespace kith::shard

#endif  // KITH_SHARD_COPY_H_
