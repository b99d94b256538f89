#include "shard/copy.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/maintenance/verifier.h"
#include "shard/search/point_reader.h"

namespace kith::shard {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// After this long without a write even a short tail becomes a segment.
constexpr int64_t kQuiet = kSecond;

int64_t Nanoseconds(Deadline time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

absl::StatusOr<std::unique_ptr<CopyParts>> OpenParts(const ShardSpec& spec,
                                                     const std::string& directory,
                                                     const CopyHost& host,
                                                     const CopyOptions& options) {
  auto parts = std::make_unique<CopyParts>();
  parts->spec = spec;
  parts->directory = directory;
  parts->vector_bytes = static_cast<uint32_t>(spec.dimension * ElementSize(spec.element_type));
  parts->files = host.files;
  parts->log = host.log;
  parts->hint = host.hint;
  parts->artifacts = host.artifacts;
  parts->clock = host.clock;
  parts->faults = host.faults;
  for (const char* folder : {"/state", "/rows", "/seg"}) {
    KITH_RETURN_IF_ERROR(host.files->CreateDirectories(directory + folder));
  }
  KITH_ASSIGN_OR_RETURN(parts->state, storage::StateStore::Open({directory + "/state", host.files,
                                                                 options.write_buffer_bytes,
                                                                 options.block_cache_bytes}));
  storage::RowFileOptions rows;
  rows.directory = directory + "/rows";
  rows.files = host.files;
  rows.vector_bytes = parts->vector_bytes;
  rows.faults = host.faults;
  KITH_ASSIGN_OR_RETURN(parts->rows, storage::RowFile::Open(rows));
  return parts;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Copy>> Copy::Open(const ShardSpec& spec,
                                                 const std::string& directory, const CopyHost& host,
                                                 const CopyOptions& options) {
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<CopyParts> parts,
                        OpenParts(spec, directory, host, options));
  Manifest manifest;
  KITH_ASSIGN_OR_RETURN(const RecoveryReport report, Recover(*parts, manifest));
  auto copy = std::unique_ptr<Copy>(new Copy(std::move(parts), std::move(manifest), host, options));
  copy->recovery_ = report;
  KITH_RETURN_IF_ERROR(copy->checkpointer_.RemoveOrphans());
  const auto snapshot = copy->parts_->snapshots.Pin();
  spdlog::info(
      "shard is open shard={} collection={} points={} lsn={} replayed={} rows_rewritten={}",
      spec.shard, spec.collection, snapshot->live_points, snapshot->lsn, report.entries_replayed,
      report.rows_rewritten);
  return copy;
}

Copy::Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
           const CopyOptions& options)
    : options_(options),
      host_(host),
      parts_(std::move(parts)),
      searches_(*parts_, *host.search_pool, *host.workspaces),
      sampler_(*parts_),
      indexer_(*parts_, options.encode_threads),
      checkpointer_(*parts_, std::move(manifest)),
      last_checkpoint_ns_(Nanoseconds(host.clock->Now())),
      writer_(*parts_, replicas_,
              {options.disk_reserve_bytes, [this](uint64_t bytes) { OnApplied(bytes); }}) {}

Copy::~Copy() { (void)Close(Checkpoint::kSkip); }

void Copy::Search(SearchCall call, Deadline deadline, Done<SearchReply> done) {
  searches_.Search(std::move(call), deadline, std::move(done));
}

void Copy::Write(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  writer_.Submit(std::move(call), deadline, std::move(done));
}

void Copy::Get(GetCall call, Deadline deadline, Done<GetReply> done) {
  auto shared = std::make_shared<Done<GetReply>>(std::move(done));
  const bool posted = host_.search_pool->Post([this, call = std::move(call), deadline, shared] {
    if (host_.clock->Now() >= deadline) {
      return (*shared)(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                             "the deadline passed while the call waited"));
    }
    (*shared)(ReadPoints(*parts_, call));
  });
  if (posted) return;
  (*shared)(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
                  "too many calls wait at this node; retry later", {{kRetryAfterMsFact, "20"}}));
}

ShardStat Copy::Stat() const {
  const auto snapshot = parts_->snapshots.Pin();
  ShardStat stat;
  stat.ready = true;
  stat.epoch = parts_->state->applied().epoch;
  stat.applied_lsn = snapshot->lsn;
  stat.live_points = snapshot->live_points;
  stat.rows = snapshot->row_end;
  for (const BuiltIndex& index : snapshot->indexes) {
    stat.indexes.push_back({index.version->hash, index.ready, index.indexed_end, snapshot->row_end,
                            index.OutOfRangeRows()});
    if (!index.ready) stat.not_ready_reason = "an index version is being built";
  }
  if (const absl::Status failure = writer_.failure(); !failure.ok()) {
    stat.not_ready_reason = std::string(failure.message());
  }
  stat.memory = snapshot->Memory();
  stat.disk_bytes = parts_->state->disk_bytes() + parts_->rows->bytes();
  stat.incarnation = parts_->spec.incarnation;
  return stat;
}

absl::Status Copy::BuildIndex(const std::string& version) {
  {
    std::lock_guard lock(upkeep_mutex_);
    KITH_RETURN_IF_ERROR(indexer_.Add(version));
  }
  index_changed_ = true;
  PostUpkeep();
  return absl::OkStatus();
}

absl::Status Copy::DropIndex(const std::string& version) {
  std::lock_guard lock(upkeep_mutex_);
  indexer_.Drop(version);
  index_changed_ = true;
  return absl::OkStatus();
}

absl::StatusOr<VerifyReply> Copy::Verify(Deadline deadline) {
  return VerifyCopy(*parts_, deadline);
}

void Copy::OnApplied(uint64_t log_bytes) {
  log_bytes_.fetch_add(log_bytes, std::memory_order_relaxed);
  last_write_ns_.store(Nanoseconds(host_.clock->Now()), std::memory_order_relaxed);
}

bool Copy::CheckpointIsDue() const {
  if (checkpoint_now_) return true;
  const uint64_t bytes = log_bytes_.load(std::memory_order_relaxed);
  if (bytes >= options_.checkpoint_log_bytes) return true;
  if (bytes == 0 && !index_changed_.load(std::memory_order_relaxed)) return false;
  const int64_t age = Nanoseconds(host_.clock->Now()) - last_checkpoint_ns_.load();
  return age >= static_cast<int64_t>(options_.checkpoint_seconds) * kSecond;
}

void Copy::Tick() {
  const bool quiet = Nanoseconds(host_.clock->Now()) - last_write_ns_.load() > kQuiet;
  const bool tail = quiet && parts_->snapshots.Pin()->TailRows() > 0;
  if (tail || indexer_.HasWork() || CheckpointIsDue()) PostUpkeep();
}

void Copy::PostUpkeep() {
  if (closing_ || upkeep_posted_.exchange(true)) return;
  if (!host_.maintenance_pool->Post([this] { Upkeep(); })) upkeep_posted_ = false;
}

bool Copy::StepIndex() {
  const auto ready = [this] {
    const auto snapshot = parts_->snapshots.Pin();
    return std::count_if(snapshot->indexes.begin(), snapshot->indexes.end(),
                         [](const BuiltIndex& index) { return index.ready; });
  };
  const int64_t idle = Nanoseconds(host_.clock->Now()) - last_write_ns_.load();
  const auto tail = idle > kQuiet ? Indexer::Tail::kTakeAll : Indexer::Tail::kKeepShort;
  const auto before = ready();
  if (parts_->snapshots.Pin()->TailRows() > 0) index_changed_ = true;
  const bool more = indexer_.Step(tail);
  if (ready() != before) checkpoint_now_ = true;
  return more;
}

// One piece of upkeep, then back to the end of the queue: copies of a node take turns.
void Copy::Upkeep() {
  bool more = false;
  {
    std::lock_guard lock(upkeep_mutex_);
    if (!closing_) {
      more = StepIndex();
      if (!more && CheckpointIsDue()) {
        if (const absl::Status status = RunCheckpoint(); !status.ok()) {
          spdlog::error("checkpoint failed shard={} error=\"{}\"", parts_->spec.shard,
                        status.ToString());
        }
      }
    }
  }
  upkeep_posted_ = false;
  if (more) PostUpkeep();
}

absl::Status Copy::RunCheckpoint() {
  log_bytes_ = 0;
  index_changed_ = false;
  checkpoint_now_ = false;
  last_checkpoint_ns_ = Nanoseconds(host_.clock->Now());
  return checkpointer_.Run();
}

absl::Status Copy::Close(Checkpoint checkpoint) {
  if (closing_.exchange(true)) return absl::OkStatus();
  writer_.Stop();
  while (upkeep_posted_) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  std::lock_guard lock(upkeep_mutex_);
  if (checkpoint == Checkpoint::kSkip) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(writer_.failure());
  KITH_RETURN_IF_ERROR(RunCheckpoint());
  return parts_->rows->Sync();
}

}  // namespace kith::shard
