#include "shard/copy.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <span>
#include <utility>

#include "common/base/limits.h"
#include "common/base/memory.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/maintenance/verifier.h"
#include "shard/parts/steady_time.h"
#include "shard/search/facet_counter.h"
#include "shard/search/point_reader.h"
#include "shard/search/point_scroller.h"
#include "shard/search/point_selector.h"

namespace kith::shard {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
// After this long without a write even a short tail becomes a segment.
constexpr int64_t kQuiet = kSecond;
// A checkpoint that failed is tried again after a time that doubles.
constexpr int64_t kCheckpointRetryMin = kSecond;
constexpr int64_t kCheckpointRetryMax = 60 * kSecond;

absl::StatusOr<std::unique_ptr<CopyParts>> OpenParts(
    const storage::NodeDirectory::ShardDirectory& shard, const CopyHost& host,
    const CopyOptions& options) {
  const ShardSpec& spec = shard.spec;
  const std::string& directory = shard.path;
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
  storage::StateOptions state;
  state.directory = directory + "/state";
  state.files = host.files;
  state.memory = host.memory;
  state.write_buffer_bytes = options.write_buffer_bytes;
  KITH_RETURN_IF_ERROR(CheckBeforeOpening(*parts, state));
  KITH_ASSIGN_OR_RETURN(parts->state, storage::StateStore::Open(state));
  storage::RowFileOptions rows;
  rows.directory = directory + "/rows";
  rows.files = host.files;
  rows.vector_bytes = parts->vector_bytes;
  rows.extent_bits = shard.row_extent_bits;
  rows.faults = host.faults;
  KITH_ASSIGN_OR_RETURN(parts->rows, storage::RowFile::Open(rows));
  return parts;
}

// Runs read() on the search threads and answers with what it returns.
template <typename Reply, typename Read>
void PostRead(SearchQueue& queue, const QueuedWork& work, Done<Reply> done, Read read) {
  if (absl::Status refusal = queue.Admit(work); !refusal.ok()) return done(std::move(refusal));
  queue.Push(work, [done = std::move(done), read = std::move(read)](Turn turn) mutable {
    if (turn == Turn::kExpired) {
      return done(Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                        "the deadline passed while the call waited"));
    }
    done(read());
  });
}

}  // namespace

absl::StatusOr<std::unique_ptr<Copy>> Copy::Open(
    const storage::NodeDirectory::ShardDirectory& directory, const CopyHost& host,
    const CopyOptions& options) {
  const ShardSpec& spec = directory.spec;
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<CopyParts> parts, OpenParts(directory, host, options));
  Manifest manifest;
  KITH_ASSIGN_OR_RETURN(const RecoveryReport report, Recover(*parts, manifest));
  auto copy = std::unique_ptr<Copy>(new Copy(std::move(parts), std::move(manifest), host, options));
  copy->recovery_ = report;
  // What was replayed is not in a checkpoint: a shard that nobody writes to makes one all the same,
  // or each start would replay it again.
  copy->log_bytes_ = report.bytes_replayed;
  copy->durable_fields_ = copy->parts_->snapshots.Pin()->fields->revision;
  copy->index_changed_ = report.segments_lost || report.index_lost || report.digest_repairs != 0;
  KITH_RETURN_IF_ERROR(copy->checkpointer_.RemoveOrphans());
  const auto snapshot = copy->parts_->snapshots.Pin();
  spdlog::info(
      "event=shard_open shard={} collection={} points={} lsn={} replayed={} rows_rewritten={}",
      spec.shard, spec.collection, snapshot->live_points, snapshot->lsn, report.entries_replayed,
      report.rows_rewritten);
  return copy;
}

Copy::Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
           const CopyOptions& options)
    : options_(options),
      host_(host),
      parts_(std::move(parts)),
      flow_(host.searches->FlowOf(parts_->spec.incarnation)),
      searches_(*parts_,
                {*host.searches, flow_, *host.workspaces, host.card, options.filter_exact_rows}),
      sampler_(*parts_),
      indexer_(*parts_, options.encode_threads),
      compactor_(*parts_,
                 {[this](std::span<const RowMove> moves) { return writer_.Move(moves); },
                  [this](std::span<const uint32_t> dead) { return writer_.DropExtents(dead); }}),
      checkpointer_(*parts_, std::move(manifest)),
      last_checkpoint_ns_(Nanoseconds(host.clock->Now())),
      encoding_(*host.encode_pool, [this] { return EncodeSome(); }),
      upkeep_(*host.maintenance_pool, [this] { return Upkeep(); }),
      fields_(*host.maintenance_pool, [this] { return ChangeFields(); }),
      scrubber_(*parts_, ActionsOfScrub(), options.scrub_every),
      scrub_(*host.maintenance_pool, [this] { return !closing_ && scrubber_.Step(); }),
      writer_(*parts_, replicas_,
              {options.admission,
               [this](const WriteSelection& selection) { return SelectPoints(*parts_, selection); },
               [this](uint64_t bytes) { OnApplied(bytes); }}) {}

ScrubActions Copy::ActionsOfScrub() {
  return {[this](std::span<const uint32_t> rows) { return writer_.RewriteRows(rows); },
          [this] {
            std::lock_guard lock(upkeep_mutex_);
            return checkpointer_.files();
          },
          [this](const std::string& file) {
            std::lock_guard lock(upkeep_mutex_);
            checkpointer_.Distrust(file);
            checkpoint_now_ = true;
          }};
}

Copy::~Copy() { (void)Close(Checkpoint::kSkip); }

void Copy::Search(SearchCall call, Deadline deadline, Done<SearchReply> done) {
  searches_.Search(std::move(call), deadline, std::move(done));
}

void Copy::Write(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  writer_.Submit(std::move(call), deadline, std::move(done));
}

void Copy::Get(GetCall call, Deadline deadline, Done<GetReply> done) {
  PostRead(*host_.searches, ReadUntil(deadline), std::move(done),
           [this, call = std::move(call)] { return ReadPoints(*parts_, call); });
}

void Copy::Scroll(ScrollCall call, Deadline deadline, Done<ScrollReply> done) {
  PostRead(*host_.searches, ReadUntil(deadline), std::move(done), [this, call = std::move(call)] {
    return ScrollPoints(*parts_, call, searches_.filters());
  });
}

void Copy::Facet(FacetCall call, Deadline deadline, Done<FacetReply> done) {
  PostRead(*host_.searches, ReadUntil(deadline), std::move(done), [this, call = std::move(call)] {
    return CountFacet(*parts_, call, searches_.filters());
  });
}

QueuedWork Copy::ReadUntil(Deadline deadline) const {
  return {flow_, SearchPriority::kInteractive, WorkKind::kRead, 1, deadline};
}

ShardStat Copy::Stat() const {
  const auto snapshot = parts_->snapshots.Pin();
  ShardStat stat;
  stat.ready = true;
  stat.epoch = parts_->state->applied().epoch;
  stat.applied_lsn = snapshot->lsn;
  stat.live_points = snapshot->live_points;
  stat.rows = snapshot->row_end;
  stat.indexes = shapes_.StatesOf(*snapshot);
  stat.not_ready_reason = health().reason;
  stat.memory = snapshot->Memory();
  stat.disk_bytes = parts_->state->disk_bytes() + parts_->rows->bytes();
  stat.incarnation = parts_->spec.incarnation;
  stat.fields_revision = durable_fields_;
  stat.fields = snapshot->fields->Stats();
  return stat;
}

CopyHealth Copy::health() const {
  const auto snapshot = parts_->snapshots.Pin();
  CopyHealth health;
  health.live_points = snapshot->live_points;
  health.checkpoint_failures = checkpoint_failures_;
  health.digest_repairs = recovery_.digest_repairs;
  health.upkeep = Figures(*snapshot);
  health.write_queue = writer_.queue();
  for (const BuiltIndex& index : snapshot->indexes) {
    if (index.ready) continue;
    health.reason = "an index version is being built";
    if (!index.rebuilding) continue;
    health.ready = false;
    health.reason = "the index is encoded again from the truth: its files were lost or wrong";
    break;
  }
  for (const LostIndex& lost : snapshot->lost) {
    health.ready = false;
    health.reason = fmt::format(
        "index version {} is lost: {}. Put the file back and start again, "
        "or train again",
        lost.version, lost.why);
  }
  if (std::string trouble = scrubber_.trouble(); !trouble.empty()) {
    health.reason = std::move(trouble);
  }
  if (const absl::Status obstacle = writer_.obstacle(); !obstacle.ok()) {
    health.reason = std::string(obstacle.message());
  }
  if (const absl::Status failure = writer_.failure(); !failure.ok()) {
    health.ready = false;
    health.reason = std::string(failure.message());
  }
  return health;
}

UpkeepFigures Copy::Figures(const Snapshot& snapshot) const {
  UpkeepFigures figures;
  figures.merges = parts_->counts.merges;
  figures.merged_rows = parts_->counts.merged_rows;
  figures.merge_ns = parts_->counts.merge_ns;
  figures.moved_rows = parts_->counts.moved_rows;
  figures.reclaimed_bytes = parts_->counts.reclaimed_bytes;
  figures.scrubbed_bytes = parts_->counts.scrubbed_bytes;
  figures.scrub_passes = parts_->counts.scrub_passes;
  figures.damage_found = parts_->counts.damage_found;
  figures.damage_mended = parts_->counts.damage_mended;
  figures.dead_rows = snapshot.DeadRows();
  for (const BuiltIndex& index : snapshot.indexes) figures.segments += index.segments.size();
  return figures;
}

std::set<std::string> Copy::IndexVersions() const {
  std::set<std::string> versions = checkpointer_.versions();
  const auto snapshot = parts_->snapshots.Pin();
  for (const BuiltIndex& index : snapshot->indexes) versions.insert(index.version->hash);
  return versions;
}

absl::Status Copy::BuildIndex(const std::string& version) {
  {
    std::lock_guard lock(upkeep_mutex_);
    KITH_RETURN_IF_ERROR(indexer_.Add(version));
  }
  index_changed_ = true;
  encoding_.Post();
  return absl::OkStatus();
}

absl::Status Copy::DropIndex(const std::string& version) {
  std::lock_guard lock(upkeep_mutex_);
  indexer_.Drop(version);
  index_changed_ = true;
  memory_freed_ = true;
  return absl::OkStatus();
}

absl::StatusOr<VerifyReply> Copy::Verify(Deadline deadline) {
  return VerifyCopy(*parts_, deadline);
}

void Copy::OnApplied(uint64_t log_bytes) {
  log_bytes_.fetch_add(log_bytes, std::memory_order_relaxed);
  last_write_ns_.store(Nanoseconds(host_.clock->Now()), std::memory_order_relaxed);
  if (indexer_.HasRowsToEncode(Pace::kBusy)) encoding_.Post();
}

bool Copy::CheckpointIsDue() const {
  if (const int64_t wait = checkpoint_retry_after_ns_; wait != 0) {
    return Nanoseconds(host_.clock->Now()) - checkpoint_failed_ns_.load() >= wait;
  }
  if (checkpoint_now_) return true;
  const uint64_t bytes = log_bytes_.load(std::memory_order_relaxed);
  if (bytes >= options_.checkpoint_log_bytes) return true;
  if (bytes == 0 && !index_changed_.load(std::memory_order_relaxed)) return false;
  const int64_t age = Nanoseconds(host_.clock->Now()) - last_checkpoint_ns_.load();
  return age >= static_cast<int64_t>(options_.checkpoint_seconds) * kSecond;
}

void Copy::RequestCheckpoint() {
  if (log_bytes_.load(std::memory_order_relaxed) > 0) checkpoint_now_ = true;
}

// What the state has flushed needs no log. Entries that go before the log's own memtable is full
// are never written a second time.
void Copy::TruncateLog() {
  if (parts_->faults.skip_flush) return;  // the fault truncates what is not flushed
  const auto flushed = parts_->state->FlushedLsn();
  if (!flushed.ok() || *flushed <= truncated_lsn_) return;
  parts_->hint->NoteTruncated(parts_->spec.shard, *flushed);
  if (parts_->log->Truncate(parts_->spec.shard, *flushed).ok()) truncated_lsn_ = *flushed;
}

Pace Copy::PaceNow() const {
  const int64_t idle = Nanoseconds(host_.clock->Now()) - last_write_ns_.load();
  return idle > kQuiet ? Pace::kQuiet : Pace::kBusy;
}

void Copy::Tick() {
  TruncateLog();
  if (sampler_.ReleaseIfUnread()) memory_freed_ = true;  // a training is over
  const Pace pace = PaceNow();
  if (indexer_.HasRowsToEncode(pace)) encoding_.Post();
  const bool has_work =
      compactor_.HasWork(pace) || indexer_.HasMerge(pace) || SpaceWaits(pace) || MemoryWaits(pace);
  if (has_work || indexer_.HasRetired() || CheckpointIsDue()) upkeep_.Post();
  if (scrubber_.IsDue()) scrub_.Post();
  if (FieldsWait()) fields_.Post();
}

// While rows move, the index keeps up and no more: each one that moves leaves a dead row in a
// segment, and comes as a new one.
bool Copy::EncodeSome() {
  const Pace pace = compactor_.HasWork(PaceNow()) ? Pace::kBusy : PaceNow();
  const auto ready = [this] {
    const auto snapshot = parts_->snapshots.Pin();
    return std::count_if(snapshot->indexes.begin(), snapshot->indexes.end(),
                         [](const BuiltIndex& index) { return index.ready; });
  };
  const auto before = ready();
  if (closing_ || !indexer_.HasRowsToEncode(pace)) return false;
  if (options_.before_encoding) options_.before_encoding();
  indexer_.Encode(pace);
  index_changed_ = true;  // not before: a checkpoint under way would take it for written down
  memory_freed_ = true;
  if (ready() != before) KeepReadyIndex();
  if (indexer_.HasMerge(pace)) upkeep_.Post();
  return indexer_.HasRowsToEncode(pace);
}

// At once, so that a start finds what a coordinator was told is ready; the rows that come meanwhile
// wait this once.
void Copy::KeepReadyIndex() {
  checkpoint_now_ = true;
  std::lock_guard lock(upkeep_mutex_);
  if (CheckpointIsDue()) (void)RunCheckpoint();
}

// While rows wait to be encoded merges keep up and no more, too: what they merge grows yet.
bool Copy::MergeSome(Pace pace) {
  if (indexer_.HasRowsToEncode(pace)) pace = Pace::kBusy;
  if (indexer_.HasMerge(pace)) index_changed_ = memory_freed_ = true;
  indexer_.Merge(pace);
  indexer_.FreeRetired();
  return indexer_.HasMerge(pace);
}

// A checkpoint that is due does not wait for the index, which under a stream of writes is never
// done. Freed memory goes back once it is quiet: that takes a while, in which every thread that
// allocates waits.
bool Copy::Upkeep() {
  std::lock_guard lock(upkeep_mutex_);
  if (closing_) return false;
  const Pace pace = PaceNow();
  const bool moving = compactor_.Step(pace);
  const bool more = MergeSome(moving ? Pace::kBusy : pace) || moving;
  const bool done = !more && !indexer_.HasRowsToEncode(pace);
  if (done && SpaceWaits(pace)) checkpoint_now_ = true;
  if (CheckpointIsDue()) (void)RunCheckpoint();
  if (done && MemoryWaits(pace)) {
    memory_freed_ = false;
    ReturnFreeMemory();
  }
  return more;
}

// What is dead already needs no more than a checkpoint to give its space back, but not one after
// the other where that fails.
bool Copy::SpaceWaits(Pace pace) const {
  return pace == Pace::kQuiet && !drop_failed_ && compactor_.HasDeadExtents();
}

void Copy::DropDeadRows(const Snapshot& checkpointed) {
  const absl::Status dropped = compactor_.DropDead(checkpointed);
  drop_failed_ = !dropped.ok();
  if (dropped.ok()) return;
  spdlog::warn("event=rows_not_reclaimed shard={} error={}", parts_->spec.shard,
               telemetry::LogValue(dropped.ToString()));
}

absl::Status Copy::RunCheckpoint() {
  const uint64_t bytes = log_bytes_.exchange(0);
  const bool index_changed = index_changed_.exchange(false);
  const bool now = checkpoint_now_.exchange(false);
  const auto before = parts_->snapshots.Pin();
  const absl::Status status = checkpointer_.Run();
  if (status.ok()) {
    last_checkpoint_ns_ = Nanoseconds(host_.clock->Now());
    checkpoint_retry_after_ns_ = 0;
    if (!closing_) DropDeadRows(*before);
    memory_freed_ = true;  // what was written down, and what a training before it took
    return status;
  }
  log_bytes_ += bytes;
  if (index_changed) index_changed_ = true;
  if (now) checkpoint_now_ = true;
  ++checkpoint_failures_;
  checkpoint_failed_ns_ = Nanoseconds(host_.clock->Now());
  checkpoint_retry_after_ns_ =
      std::clamp(checkpoint_retry_after_ns_ * 2, kCheckpointRetryMin, kCheckpointRetryMax);
  spdlog::error("event=checkpoint_failed shard={} retry_after_s={} error={}", parts_->spec.shard,
                checkpoint_retry_after_ns_ / kSecond, telemetry::LogValue(status.ToString()));
  return status;
}

absl::Status Copy::Close(Checkpoint checkpoint) {
  const bool closed_before = closing_.exchange(true);
  EndWaiting();  // the writer and the upkeep may be waiting for room
  writer_.Stop();
  encoding_.Close();
  upkeep_.Close();
  fields_.Close();
  scrub_.Close();
  if (closed_before || checkpoint == Checkpoint::kSkip) return absl::OkStatus();
  std::lock_guard lock(upkeep_mutex_);
  KITH_RETURN_IF_ERROR(writer_.failure());
  KITH_RETURN_IF_ERROR(RunCheckpoint());
  return parts_->rows->Sync();
}

}  // namespace kith::shard
