#include "shard/copy.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <span>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/maintenance/verifier.h"
#include "shard/search/facet_counter.h"
#include "shard/search/point_reader.h"
#include "shard/search/point_scroller.h"
#include "shard/search/point_selector.h"

namespace kith::shard {
namespace {

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
  copy->upkeep_.NoteReplayed(report.bytes_replayed);
  if (report.segments_lost || report.index_lost || report.digest_repairs != 0) {
    copy->upkeep_.NoteIndexLost();
  }
  KITH_RETURN_IF_ERROR(copy->upkeep_.RemoveOrphans());
  const auto snapshot = copy->parts_->snapshots.Pin();
  spdlog::info(
      "event=shard_open shard={} collection={} points={} lsn={} replayed={} rows_rewritten={}",
      spec.shard, spec.collection, snapshot->live_points, snapshot->lsn, report.entries_replayed,
      report.rows_rewritten);
  return copy;
}

Copy::Copy(std::unique_ptr<CopyParts> parts, Manifest manifest, const CopyHost& host,
           const CopyOptions& options)
    : host_(host),
      parts_(std::move(parts)),
      flow_(host.searches->FlowOf(parts_->spec.incarnation)),
      searches_(*parts_,
                {*host.searches, flow_, *host.workspaces, host.cards, options.filter_exact_rows}),
      sampler_(*parts_),
      upkeep_(*parts_, std::move(manifest), ActionsOfWriter(),
              {options.encode_threads,
               {options.checkpoint_log_bytes, options.checkpoint_seconds},
               options.scrub_every,
               options.before_encoding,
               *host.maintenance_pool,
               *host.encode_pool}),
      fields_(
          *parts_, FieldActionsOfWriter(),
          {options.before_fields, [this] { upkeep_.NoteMemoryFreed(); }, *host.maintenance_pool}),
      writer_(*parts_, replicas_,
              {options.admission,
               [this](const WriteSelection& selection) { return SelectPoints(*parts_, selection); },
               [this](uint64_t bytes) { upkeep_.OnApplied(bytes); }}) {}

CopyUpkeep::WriterActions Copy::ActionsOfWriter() {
  return {{[this](std::span<const RowMove> moves) { return writer_.Move(moves); },
           [this](std::span<const uint32_t> dead) { return writer_.DropExtents(dead); }},
          [this](std::span<const uint32_t> rows) { return writer_.RewriteRows(rows); }};
}

FieldActions Copy::FieldActionsOfWriter() {
  return {[this](const SetFieldsCall& call) { return writer_.SetFields(call); },
          [this](const OldRows& old) { return writer_.AddOldRows(old); },
          [this](uint16_t place) { return writer_.FinishField(place); },
          [this](uint16_t place) { return writer_.ReleaseField(place); }};
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
  stat.fields_revision = fields_.durable_revision();
  stat.fields = snapshot->fields->Stats();
  return stat;
}

CopyHealth Copy::health() const {
  const auto snapshot = parts_->snapshots.Pin();
  CopyHealth health;
  health.live_points = snapshot->live_points;
  health.checkpoint_failures = upkeep_.checkpoint_failures();
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
  if (std::string trouble = upkeep_.trouble(); !trouble.empty()) {
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
  std::set<std::string> versions = upkeep_.IndexVersions();
  const auto snapshot = parts_->snapshots.Pin();
  for (const BuiltIndex& index : snapshot->indexes) versions.insert(index.version->hash);
  return versions;
}

absl::StatusOr<VerifyReply> Copy::Verify(Deadline deadline) {
  return VerifyCopy(*parts_, deadline);
}

absl::StatusOr<storage::Digest> Copy::TruthDigest() const {
  KITH_ASSIGN_OR_RETURN(const storage::SlotDigests digests, parts_->state->ReadDigests());
  return storage::SumOf(digests);
}

void Copy::Tick() {
  if (sampler_.ReleaseIfUnread()) upkeep_.NoteMemoryFreed();  // a training is over
  upkeep_.Tick();
  fields_.Tick();
}

absl::Status Copy::Close(Checkpoint checkpoint) {
  const bool closed_before = std::exchange(is_closed_, true);
  upkeep_.Stop();
  fields_.Stop();
  EndWaiting();  // the writer and the upkeep may be waiting for room
  writer_.Stop();
  upkeep_.Join();
  fields_.Join();
  if (closed_before || checkpoint == Checkpoint::kSkip) return absl::OkStatus();
  KITH_RETURN_IF_ERROR(writer_.failure());
  KITH_RETURN_IF_ERROR(upkeep_.Checkpoint());
  return parts_->rows->Sync();
}

}  // namespace kith::shard
