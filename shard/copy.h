#ifndef KITH_SHARD_COPY_H_
#define KITH_SHARD_COPY_H_

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/base/executor.h"
#include "common/shard_api/shard_service.h"
#include "shard/maintenance/copy_upkeep.h"
#include "shard/maintenance/field_changes.h"
#include "shard/maintenance/sampler.h"
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
  CardPool* cards = nullptr;  // null: searches have none
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
  // What goes on behind the calls: indexes that are built, checkpoints, pins, scrubbing.
  CopyUpkeep& upkeep() { return upkeep_; }
  FieldChanges& fields() { return fields_; }
  absl::StatusOr<VerifyReply> Verify(Deadline deadline);
  // What waits for room on the disk ends with its error, now and from here on.
  void EndWaiting() { parts_->state->EndWaiting(); }
  // The sum of the digests of what is stored, as the writes kept it.
  absl::StatusOr<storage::Digest> TruthDigest() const;
  const RecoveryReport& recovery() const { return recovery_; }
  const ShardSpec& spec() const { return parts_->spec; }

  // Asked a few times a second: starts what is due, and lets go of a training's sample.
  void Tick();
  // Stops the writer and the upkeep; `checkpoint` makes the next start a short one.
  enum class Checkpoint { kMake, kSkip };
  absl::Status Close(Checkpoint checkpoint);

 private:
  Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
       const CopyOptions& options);

  QueuedWork ReadUntil(Deadline deadline) const;
  UpkeepFigures Figures(const Snapshot& snapshot) const;
  CopyUpkeep::WriterActions ActionsOfWriter();
  FieldActions FieldActionsOfWriter();

  const CopyHost host_;
  const std::unique_ptr<CopyParts> parts_;
  RecoveryReport recovery_;
  const std::shared_ptr<SearchFlow> flow_;  // of its collection
  SetOfOne replicas_;
  SearchRunner searches_;
  Sampler sampler_;
  mutable IndexShapes shapes_;  // of Stat
  CopyUpkeep upkeep_;
  FieldChanges fields_;
  bool is_closed_ = false;
  Writer writer_;  // last: its thread uses what is above
};

}  // namespace kith::shard

#endif  // KITH_SHARD_COPY_H_
