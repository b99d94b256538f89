#ifndef KITH_SHARD_COPY_H_
#define KITH_SHARD_COPY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "common/base/executor.h"
#include "common/shard_api/shard_service.h"
#include "shard/maintenance/checkpointer.h"
#include "shard/maintenance/indexer.h"
#include "shard/maintenance/sampler.h"
#include "shard/parts/copy_parts.h"
#include "shard/recovery.h"
#include "shard/replication/replica_set.h"
#include "shard/search/search_runner.h"
#include "shard/search/workspace_pool.h"
#include "shard/write/writer.h"

namespace kith::shard {

struct CopyOptions {
  int encode_threads = 1;
  uint64_t write_buffer_bytes = 64 << 20;
  uint64_t block_cache_bytes = 256 << 20;
  uint64_t disk_reserve_bytes = 512 << 20;
  uint64_t checkpoint_log_bytes = 256 << 20;  // a checkpoint is due after that much log ...
  uint64_t checkpoint_seconds = 300;          // ... or that long after a write
};

// What a node lends to all its copies; outlives them.
struct CopyHost {
  storage::FileSystem* files = nullptr;
  storage::LogStore* log = nullptr;
  storage::LogHint* hint = nullptr;
  storage::ArtifactStore* artifacts = nullptr;
  Clock* clock = nullptr;
  Executor* search_pool = nullptr;
  Executor* maintenance_pool = nullptr;
  WorkspacePool* workspaces = nullptr;
  storage::Faults faults;
};

// One copy of one shard: its truth, its index, the writer that changes them and the upkeep behind.
//
// Threads: any, except Close.
class Copy {
 public:
  // Opens and recovers. DATA_LOSS CORRUPTION: the copy must not serve; its files stay as they are.
  static absl::StatusOr<std::unique_ptr<Copy>> Open(const ShardSpec& spec,
                                                    const std::string& directory,
                                                    const CopyHost& host,
                                                    const CopyOptions& options);
  ~Copy();

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done);
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done);
  void Get(GetCall call, Deadline deadline, Done<GetReply> done);
  ShardStat Stat() const;
  const Uuid& incarnation() const { return parts_->spec.incarnation; }
  Sampler& sampler() { return sampler_; }
  absl::Status BuildIndex(const std::string& version);
  absl::Status DropIndex(const std::string& version);
  absl::StatusOr<VerifyReply> Verify(Deadline deadline);
  const RecoveryReport& recovery() const { return recovery_; }
  const ShardSpec& spec() const { return parts_->spec; }

  // Asked a few times a second: starts what upkeep is due on the maintenance pool.
  void Tick();
  // Stops the writer and the upkeep; `checkpoint` makes the next start a short one.
  enum class Checkpoint { kMake, kSkip };
  absl::Status Close(Checkpoint checkpoint);

 private:
  Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
       const CopyOptions& options);

  void OnApplied(uint64_t log_bytes);
  bool CheckpointIsDue() const;
  bool StepIndex();
  void PostUpkeep();
  void Upkeep();
  absl::Status RunCheckpoint();

  const CopyOptions options_;
  const CopyHost host_;
  const std::unique_ptr<CopyParts> parts_;
  RecoveryReport recovery_;
  SetOfOne replicas_;
  SearchRunner searches_;
  Sampler sampler_;

  std::mutex upkeep_mutex_;    // held while the index or the checkpoint changes
  Indexer indexer_;            // guarded by upkeep_mutex_
  Checkpointer checkpointer_;  // guarded by upkeep_mutex_
  std::atomic<bool> upkeep_posted_{false};
  std::atomic<bool> closing_{false};
  std::atomic<bool> index_changed_{false};   // since the last checkpoint
  std::atomic<bool> checkpoint_now_{false};  // an index became ready: keep it
  std::atomic<uint64_t> log_bytes_{0};       // since the last checkpoint
  std::atomic<int64_t> last_write_ns_{0};    // steady clock
  std::atomic<int64_t> last_checkpoint_ns_{0};
  Writer writer_;  // last: its thread uses what is above
};

}  // namespace kith::shard

#endif  // KITH_SHARD_COPY_H_
