#include "shard/write/writer.h"

#include <pthread.h>
#include <spdlog/spdlog.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/scheduling.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"

namespace kith::shard {
namespace {

constexpr auto kDiskRetryEvery = std::chrono::milliseconds(200);
// It computes for milliseconds at a time, behind which searches wait: a third of a search thread's
// share where cores are short, three times that of upkeep (docs/decisions/0056).
constexpr int kWriterNice = 5;

uint64_t BytesOf(const WriteCall& call) {
  return call.keys.size() + call.vectors.size() + call.payloads.size() + call.change.size();
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
  const uint64_t fields_revision = parts_.snapshots.Pin()->fields->revision;
  absl::Status refusal = admission_.CheckCall(call);
  if (refusal.ok()) {
    Pending pending{std::move(call), deadline, std::move(done), 0, fields_revision};
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
