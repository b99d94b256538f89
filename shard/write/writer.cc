#include "shard/write/writer.h"

#include <fmt/format.h>
#include <pthread.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/scheduling.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "shard/storage/errno_status.h"

namespace kith::shard {
namespace {

constexpr auto kDiskRetryEvery = std::chrono::milliseconds(200);
// It computes for milliseconds at a time, behind which searches wait: a third of a search thread's
// share where cores are short, three times that of upkeep (docs/decisions/0056).
constexpr int kWriterNice = 5;

uint64_t BytesOf(const WriteCall& call) {
  return call.keys.size() + call.vectors.size() + call.payloads.size() + call.change.size();
}

// A point whose payload cannot be changed so would be picked again and again.
absl::Status CheckSelected(const WriteCall& call, const ChangedPoints& changed) {
  for (size_t i = 0; i < changed.size(); ++i) {
    if (changed[i].outcome == WriteOutcome::kOk) continue;
    const PointKey key = PointKey::FromBytes(call.keys.data() + i * PointKey::kSize);
    if (changed[i].outcome == WriteOutcome::kPayloadTooLarge) {
      return Error(absl::StatusCode::kInvalidArgument, reason::kPayloadTooLarge,
                   fmt::format("the payload of point {} would have more than {} bytes; clear some "
                               "of its fields, or leave the point out of the filter",
                               PointKeyToString(key), limits::kPayloadBytesMax));
    }
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadPayload,
                 fmt::format("the payload of point {} is no JSON object, so that there are no "
                             "fields to set; replace it, or leave the point out of the filter",
                             PointKeyToString(key)));
  }
  return absl::OkStatus();
}

}  // namespace

Writer::Writer(CopyParts& parts, ReplicaSet& replicas, Options options)
    : parts_(parts),
      replicas_(replicas),
      options_(std::move(options)),
      admission_(parts, options_.admission),
      applier_(parts),
      thread_([this] { Run(); }) {}

Writer::~Writer() { Stop(); }

void Writer::Stop() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

absl::Status Writer::failure() const {
  std::lock_guard lock(mutex_);
  return failure_;
}

absl::Status Writer::obstacle() const {
  std::lock_guard lock(mutex_);
  return obstacle_;
}

WriteQueueFigures Writer::queue() const {
  std::lock_guard lock(mutex_);
  return queue_.figures();
}

// Why a call is not even queued. With the lock.
absl::Status Writer::Refusal(const Pending& pending) {
  if (!failure_.ok()) return failure_;
  if (!obstacle_.ok()) return obstacle_;
  if (stopping_) {
    return Error(absl::StatusCode::kUnavailable, reason::kDraining,
                 "the shard is shutting down; retry on its successor");
  }
  return queue_.CheckRoom(pending, parts_.clock->Now());
}

void Writer::Submit(WriteCall call, Deadline deadline, Done<WriteReply> done) {
  absl::Status refusal = admission_.CheckCall(call);
  if (refusal.ok()) {
    Pending pending{std::move(call), deadline, std::move(done), 0};
    pending.bytes = BytesOf(pending.call);
    std::lock_guard lock(mutex_);
    refusal = Refusal(pending);
    if (refusal.ok()) {
      queue_.Push(std::move(pending));
      wake_.notify_one();
      return;
    }
    done = std::move(pending.done);
  }
  done(std::move(refusal));
}

absl::StatusOr<uint64_t> Writer::Move(std::span<const RowMove> moves) {
  uint64_t moved = 0;
  KITH_RETURN_IF_ERROR(Do([&]() -> absl::Status {
    KITH_RETURN_IF_ERROR(admission_.CheckMove(applier_.applied().next_row, moves.size()));
    KITH_ASSIGN_OR_RETURN(moved, applier_.Move(moves));
    return absl::OkStatus();
  }));
  return moved;
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

void Writer::Run() {
  pthread_setname_np(pthread_self(), "kith-writer");
  YieldToOthers(kWriterNice);
  while (true) {
    std::vector<Pending> calls = Take();
    const bool is_idle = calls.empty();
    if (!is_idle) Process(std::move(calls));
    if (!RunChore() && is_idle) return;
  }
}

// Empty where there is a chore, or nothing will come any more.
std::vector<Writer::Pending> Writer::Take() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return stopping_ || !queue_.empty() || !chores_.empty(); });
  return queue_.Take();
}

// The write path. Nothing after Log can refuse; what fails there stops the copy, save a state whose
// disk is full, which is waited for.
void Writer::Process(std::vector<Pending> calls) {
  const Deadline begun = parts_.clock->Now();
  Group group = Admit(std::move(calls));
  if (group.writes.empty()) return;
  absl::Status status = Log(group);
  if (status.ok()) status = replicas_.Replicate(group.records);
  if (status.ok()) status = Apply(group);
  if (!status.ok()) return Fail(group, status);
  Acknowledge(group);
  std::lock_guard lock(mutex_);
  queue_.NoteGroup(parts_.clock->Now() - begun);
}

Writer::Group Writer::Admit(std::vector<Pending> calls) {
  Group group;
  Resolver resolver(*parts_.state, applier_.applied().next_row);
  uint64_t lsn = applier_.applied().applied_lsn;
  for (size_t i = 0; i < calls.size(); ++i) {
    Pending& pending = calls[i];
    if (MustWait(group, pending.call, resolver)) {
      PutBack(std::span(calls).subspan(i));
      break;
    }
    if (AnswerRepeat(pending)) continue;
    absl::StatusOr<ResolvedWrite> resolved = AdmitOne(pending, resolver, lsn + 1);
    if (!resolved.ok()) {
      pending.done(resolved.status());
      continue;
    }
    ++lsn;
    std::string body = EncodeResolved(pending.call, *resolved, parts_.vector_bytes);
    resolved->changed.clear();  // the body has it
    group.bytes += body.size();
    group.writes.push_back({std::move(pending), *std::move(resolved), std::move(body)});
  }
  for (const Logged& logged : group.writes) {
    group.records.push_back(
        {parts_.spec.shard, logged.resolved.lsn, applier_.applied().epoch, logged.body});
  }
  return group;
}

// For the next group, which finds this one applied: a repeat of one of its calls, which the table
// then answers; a filter, which sees what is applied; a payload that it writes, and one more
// changes. What a change makes of a few bytes may be large, so that the group is full before it is
// long.
bool Writer::MustWait(const Group& group, const WriteCall& call, const Resolver& resolver) const {
  if (group.writes.empty()) return false;
  if (call.selection.has_value() || group.bytes >= WriteQueue::kGroupBytesMax) return true;
  if (ChangesPayload(call.kinds.front()) && resolver.HasWritten(call.keys)) return true;
  return !call.request_id.empty() &&
         std::any_of(group.writes.begin(), group.writes.end(), [&](const Logged& logged) {
           return logged.pending.call.request_id == call.request_id;
         });
}

void Writer::PutBack(std::span<Pending> calls) {
  std::lock_guard lock(mutex_);
  for (size_t i = calls.size(); i-- > 0;) queue_.PutBack(std::move(calls[i]));
}

absl::StatusOr<ResolvedWrite> Writer::AdmitOne(Pending& pending, Resolver& resolver, uint64_t lsn) {
  if (parts_.clock->Now() >= pending.deadline) {
    std::lock_guard lock(mutex_);
    queue_.NoteExpired();
    return Error(absl::StatusCode::kDeadlineExceeded, reason::kDeadline,
                 "the deadline passed before the write began; nothing was written");
  }
  WriteCall& call = pending.call;
  bool has_more = false;
  if (call.selection.has_value()) {
    KITH_ASSIGN_OR_RETURN(has_more, Select(call, lsn));
  }
  const auto deletes = std::count(call.kinds.begin(), call.kinds.end(), WriteKind::kDelete);
  KITH_RETURN_IF_ERROR(
      admission_.CheckRoom(resolver.next_row(), call.kinds.size() - static_cast<size_t>(deletes)));
  KITH_RETURN_IF_ERROR(resolver.Lookup(call.keys));
  ChangedPoints changed;
  if (!call.kinds.empty() && ChangesPayload(call.kinds.front())) {
    KITH_ASSIGN_OR_RETURN(changed, resolver.Change(call));
  }
  if (call.selection.has_value()) KITH_RETURN_IF_ERROR(CheckSelected(call, changed));
  ResolvedWrite resolved = resolver.Resolve(call, lsn, std::move(changed));
  if (call.selection.has_value()) {
    resolved.version_below = call.selection->version_below;
    resolved.has_more = has_more;
  }
  return resolved;
}

// The call as if it had named the points that its filter picks now. Whether more are left.
absl::StatusOr<bool> Writer::Select(WriteCall& call, uint64_t lsn) const {
  if (call.selection->version_below == 0) call.selection->version_below = PutVersion(lsn, 0);
  KITH_ASSIGN_OR_RETURN(SelectedPoints found, options_.select(*call.selection));
  call.kinds.assign(found.keys.size() / PointKey::kSize, call.kinds.front());
  call.keys = std::move(found.keys);
  return found.has_more;
}

bool Writer::AnswerRepeat(Pending& pending) {
  const WriteCall& call = pending.call;
  if (call.request_id.empty()) return false;
  auto found = parts_.state->FindDedupe(call.request_id);
  if (!found.ok()) {
    pending.done(found.status());
    return true;
  }
  if (!found->has_value()) return false;
  const storage::DedupeEntry& entry = **found;
  if (entry.unix_ms + limits::kDedupeAgeMs < parts_.clock->UnixMs()) return false;
  // The hash is what the caller says it is: the same one over other operations is the caller's
  // fault, and no damage of the disk.
  if (entry.body_hash != call.body_hash || AnswersOtherOperations(entry.reply, call)) {
    pending.done(FieldError("request_id", reason::kRequestIdReused,
                            "was used before with another body; take a new one for a new write"));
    return true;
  }
  absl::StatusOr<WriteReply> reply = DecodeDedupeReply(entry.reply, call);
  if (reply.ok()) reply->live_points = applier_.applied().live_points;
  pending.done(std::move(reply));
  return true;
}

absl::Status Writer::Log(Group& group) { return parts_.log->Append(group.records); }

absl::Status Writer::Apply(Group& group) {
  for (const Logged& logged : group.writes) {
    KITH_ASSIGN_OR_RETURN(const LogEntry entry, DecodeLogEntry(logged.body, parts_.vector_bytes));
    KITH_RETURN_IF_ERROR(applier_.Add(logged.resolved, entry));
  }
  KITH_RETURN_IF_ERROR(Commit());
  applier_.Publish();
  return absl::OkStatus();
}

// The entries are durable in the log already, so a state that has no room for them has time: they
// are offered again until it has, or the copy stops. Any other error stops the copy.
absl::Status Writer::Commit() {
  while (true) {
    absl::Status status = applier_.Commit();
    if (status.ok() || ReasonOf(status) != reason::kDiskFull) return status;
    if (!WaitForDisk(status)) return status;
  }
}

// False where the copy stops. New writes are refused until the next attempt has succeeded.
bool Writer::WaitForDisk(const absl::Status& status) {
  RefuseChores(status);
  std::unique_lock lock(mutex_);
  if (obstacle_.ok()) {
    spdlog::error("event=writes_wait_for_space shard={} error={}", parts_.spec.shard,
                  telemetry::LogValue(status.ToString()));
    obstacle_ = Error(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
                      std::string(status.message()) + "; reads go on, writes resume by themselves",
                      {{kRetryAfterMsFact, "1000"}});
  }
  return !wake_.wait_for(lock, kDiskRetryEvery, [this] { return stopping_; });
}

void Writer::Acknowledge(Group& group) {
  {
    std::lock_guard lock(mutex_);
    if (!obstacle_.ok()) spdlog::info("event=writes_go_on shard={}", parts_.spec.shard);
    obstacle_ = absl::OkStatus();
  }
  for (Logged& logged : group.writes) logged.pending.done(ReplyTo(logged));
  const absl::Status noted = parts_.hint->Note(parts_.spec.shard, applier_.applied().applied_lsn);
  if (!noted.ok())
    spdlog::warn("event=log_bound_not_noted error={}", telemetry::LogValue(noted.ToString()));
  if (options_.on_applied) options_.on_applied(group.bytes);
}

WriteReply Writer::ReplyTo(const Logged& logged) const {
  WriteReply reply = logged.resolved.Reply(applier_.applied().epoch);
  reply.live_points = applier_.applied().live_points;
  return reply;
}

void Writer::Fail(Group& group, const absl::Status& status) {
  spdlog::error("event=shard_stops_writes shard={} error={}", parts_.spec.shard,
                telemetry::LogValue(status.ToString()));
  const absl::Status failure =
      Error(absl::StatusCode::kUnavailable, reason::kStorage,
            "the shard's disk failed a write: " + std::string(status.message()) +
                "; searches go on, restart kithd once the disk is well");
  std::vector<Pending> waiting;
  RefuseChores(failure);
  {
    std::lock_guard lock(mutex_);
    failure_ = failure;
    waiting = queue_.TakeAll();
  }
  for (Logged& logged : group.writes) {
    logged.pending.done(Error(
        absl::StatusCode::kUnavailable, reason::kUnknownOutcome,
        "whether this write is kept shows after a restart: " + std::string(status.message())));
  }
  for (Pending& pending : waiting) pending.done(failure);
}

}  // namespace kith::shard
