#ifndef KITH_SHARD_NODE_H_
#define KITH_SHARD_NODE_H_

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "common/base/executor.h"
#include "common/shard_api/shard_service.h"
#include "shard/copy.h"
#include "shard/maintenance/quiet_watch.h"
#include "shard/maintenance/training_jobs.h"
#include "shard/storage/artifact_store.h"
#include "shard/storage/file_system.h"
#include "shard/storage/log_hint.h"
#include "shard/storage/log_store.h"
#include "shard/storage/node_directory.h"
#include "shard/storage/store_memory.h"

namespace kith::shard {

struct NodeOptions {
  std::string directory;
  storage::FileSystem* files = nullptr;  // outlives the node, as the clock
  Clock* clock = nullptr;
  storage::Faults faults;
  size_t search_threads = 0;  // 0: as many as cores
  SearchQueueOptions search_queue;
  size_t maintenance_threads = 1;
  int encode_threads = 0;                      // of training and encoding; 0: as many as cores
  uint64_t write_buffer_bytes = 128 << 20;     // of all shards together
  uint64_t log_write_buffer_bytes = 32 << 20;  // of the node's log
  uint64_t block_cache_bytes = 256 << 20;      // of all shards together
  AdmissionLimits admission;
  uint64_t checkpoint_log_bytes = 256 << 20;
  uint64_t checkpoint_seconds = 300;
  // So few that pass a filter are all compared; absent: by the size of a vector.
  std::optional<uint64_t> filter_exact_rows;
  // Of new shards: 2^this rows an extent of the row file; by the size of their vectors where
  // absent.
  std::optional<uint32_t> row_extent_bits;
  // Of all shards together, read again and compared while nobody asks for them; 0: none.
  uint64_t scrub_bytes_per_second = 4 << 20;
  std::chrono::nanoseconds scrub_every = std::chrono::hours(1);  // a pass over a shard, at most
  std::chrono::milliseconds tick_every{200};  // how often upkeep is asked whether it is due
  std::shared_ptr<CardPool> cards;            // null: searches run on the processor alone
  // For tests: called before each step of encoding, on its thread.
  std::function<void()> before_encoding;
  std::function<void()> before_fields;  // likewise, of indexing what is there in a new field
};

struct NodeHealth {
  bool ready = false;  // it serves a shard, or holds none
  std::string reason;  // why not, or which shard does not serve, or what else is amiss
  uint64_t shards = 0;
  uint64_t shards_ready = 0;  // loaded, taking writes, serving what they served before
  uint64_t live_points = 0;
  uint64_t log_bytes = 0;
  uint64_t disk_free_bytes = 0;
  WriteQueueFigures write_queue;     // of all shards together
  uint64_t checkpoint_failures = 0;  // since the start
  uint64_t digest_repairs = 0;       // rows or indexes found other than the truth, and made again
  UpkeepFigures upkeep;              // of all shards together
  storage::StoreMemoryUse memory;    // of all shards' databases
  uint64_t log_memory_bytes = 0;     // written to the log, and not yet in a file of its own
};

// A process's shards over one data directory: the copies, the log they share, the pools they run
// on. A shard whose recovery fails stays closed, with its reason, and the others serve.
//
// Threads: any, except Close.
class Node final : public ShardService {
 public:
  // FAILED_PRECONDITION DIRECTORY_IN_USE, FORMAT_VERSION or STORAGE; DATA_LOSS CORRUPTION (FORMAT
  // or log). Returns when every shard is loaded or has failed; a failed one answers its calls with
  // the reason, and the others serve.
  static absl::StatusOr<std::unique_ptr<Node>> Open(const NodeOptions& options);
  ~Node() override;

  // Refuses new calls with UNAVAILABLE DRAINING; those under way end, also where they wait for room
  // on the disk.
  void Drain();
  // After Drain: checkpoints and closes every shard. The next start is a short one.
  absl::Status Close();
  NodeHealth health() const;
  SearchQueueFigures search_queue() const { return searches_.figures(); }
  const storage::NodeDirectory& directory() const { return *directory_; }

  void Search(SearchCall call, Deadline deadline, Done<SearchReply> done) override;
  void Write(WriteCall call, Deadline deadline, Done<WriteReply> done) override;
  void Get(GetCall call, Deadline deadline, Done<GetReply> done) override;
  void Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) override;
  void Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) override;
  absl::Status CreateShard(const ShardSpec& spec, Deadline deadline) override;
  absl::Status DropShard(ShardId shard, const Uuid& incarnation, Deadline deadline) override;
  absl::StatusOr<ShardStat> Stat(ShardId shard, Deadline deadline) override;
  absl::StatusOr<std::vector<uint64_t>> SampleHashes(const SampleHashesCall& call,
                                                     Deadline deadline) override;
  absl::StatusOr<SampleChunk> ReadSample(const SampleChunkCall& call, Deadline deadline) override;
  absl::Status AddTrainingChunk(TrainingChunk chunk, Deadline deadline) override;
  absl::Status StartTraining(const StartTrainingCall& call, Deadline deadline) override;
  absl::StatusOr<TrainingState> GetTraining(const std::string& job, Deadline deadline) override;
  absl::Status CancelTraining(const std::string& job, Deadline deadline) override;
  absl::StatusOr<ArtifactChunk> ReadArtifact(const std::string& artifact, uint64_t offset,
                                             Deadline deadline) override;
  absl::Status WriteArtifact(const ArtifactChunk& chunk, Deadline deadline) override;
  absl::Status BuildIndex(ShardId shard, const std::string& version, Deadline deadline) override;
  absl::Status DropIndex(ShardId shard, const std::string& version, Deadline deadline) override;
  absl::Status SetPayloadFields(const SetFieldsCall& call, Deadline deadline) override;
  absl::StatusOr<VerifyReply> Verify(ShardId shard, Deadline deadline) override;

  // For backups (shard/backup); node_backup.cc. As Copy::Pin and Copy::TruthDigest.
  absl::StatusOr<uint64_t> PinShard(ShardId shard, const Uuid& incarnation,
                                    const std::string& directory);
  absl::StatusOr<storage::Digest> TruthDigest(ShardId shard) const;
  // A restore: a directory that is no shard yet, to be filled with files of a backup; then it is
  // opened and serves. ALREADY_EXISTS SHARD_UNAVAILABLE where a shard of that number is here, and
  // whatever opening it says; what did not become a shard is removed.
  absl::StatusOr<storage::NodeDirectory::ShardDirectory> StageShard(const ShardSpec& spec);
  absl::Status AdoptShard(storage::NodeDirectory::ShardDirectory staged);
  void RemoveStaged(const storage::NodeDirectory::ShardDirectory& staged);

 private:
  // What a shard's directory is. Only a whole one is ever opened.
  enum class Standing {
    kWhole,
    kDropped,     // marked; log entries and files may be left
    kUnreadable,  // its SPEC is
    kAmbiguous,   // two directories claim to be the shard
  };
  struct Held {
    storage::NodeDirectory::ShardDirectory directory;
    std::shared_ptr<Copy> copy;  // null where there is a failure
    absl::Status failure;
    Standing standing = Standing::kWhole;
  };

  Node(const NodeOptions& options, std::unique_ptr<storage::NodeDirectory> directory,
       std::unique_ptr<storage::LogStore> log, std::unique_ptr<storage::LogHint> hint);

  absl::Status LoadShards();
  void Load(std::vector<storage::NodeDirectory::ShardDirectory> directories);
  void LoadUnreadable(storage::NodeDirectory::Unreadable unreadable);
  void LoadDropped(storage::NodeDirectory::ShardDirectory dropped);
  void Hold(Held held);
  std::map<ShardId, Held> HeldNow() const;
  absl::Status OpenCopy(Held& held);
  absl::Status OpenOrFinish(Held held, const ShardSpec& spec);
  absl::Status CreateAnew(const ShardSpec& spec);
  uint32_t ExtentBitsOf(const ShardSpec& spec) const;
  absl::Status AwaitCalls(const std::shared_ptr<Copy>& copy, Deadline deadline) const;
  absl::Status FinishDrop(Held held);
  absl::StatusOr<std::shared_ptr<Copy>> Find(ShardId shard) const;
  // FAILED_PRECONDITION WRONG_INCARNATION where the shard of that number is another collection's.
  absl::StatusOr<std::shared_ptr<Copy>> Find(ShardId shard, const Uuid& incarnation) const;
  CopyHost Host();
  CopyOptions OptionsOfCopies() const;
  void Tick();
  void TickQuiet();
  uint64_t ScrubAllowance(size_t shards) const;
  void GiveBackMemory();
  void SweepArtifacts();

  const NodeOptions options_;
  std::unique_ptr<storage::NodeDirectory> directory_;
  std::unique_ptr<storage::LogStore> log_;
  std::unique_ptr<storage::LogHint> hint_;
  std::shared_ptr<storage::StoreMemory> memory_;
  storage::ArtifactStore artifacts_;
  TrainingJobs training_;
  WorkspacePool workspaces_;
  CoreSpread search_cores_;  // outlives search_pool_
  Executor search_pool_;
  Executor background_pool_;
  SearchQueue searches_;
  Executor maintenance_pool_;
  Executor encode_pool_;
  std::atomic<bool> draining_{false};
  std::atomic<bool> loaded_{false};  // every shard that is on the disk is in shards_

  std::mutex change_mutex_;  // creating and dropping, one at a time
  mutable std::mutex mutex_;
  std::map<ShardId, Held> shards_;  // guarded by mutex_
  std::condition_variable stop_ticking_;
  Deadline next_sweep_{};  // the ticker's
  bool stopping_ = false;  // guarded by mutex_
  QuietWatch quiet_;       // the ticker's
  std::thread ticker_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_NODE_H_
