#include "coordinator/admin/operations.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "absl/strings/numbers.h"
#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

constexpr char kTrainKind[] = "train";
constexpr char kRestoreKind[] = "restore";
constexpr uint64_t kKeepMs = 24ull * 3600 * 1000;

}  // namespace

absl::Status NoOperation(const std::string& id) {
  return Error(absl::StatusCode::kNotFound, reason::kOperationNotFound,
               fmt::format("there is no operation {}; they are kept for a day after they end, and "
                           "not over a restart of the coordinator",
                           id.substr(0, 64)));
}

RunningOperation::RunningOperation(Operation start, const Clock& clock)
    : clock_(clock), operation_(std::move(start)) {}

Operation RunningOperation::Snapshot() const {
  std::lock_guard lock(mutex_);
  return operation_;
}

void RunningOperation::Report(const std::string& stage, double progress) {
  std::lock_guard lock(mutex_);
  if (operation_.state != OperationState::kRunning) return;
  operation_.stage = stage;
  operation_.progress = std::clamp(progress, operation_.progress, 1.0);
}

void RunningOperation::NoteChosen(std::vector<std::string> chosen) {
  std::lock_guard lock(mutex_);
  operation_.chosen = std::move(chosen);
}

void RunningOperation::NoteTraining(TrainingOutcome outcome) {
  std::lock_guard lock(mutex_);
  operation_.training = std::move(outcome);
}

void RunningOperation::NoteDuplicates(const DuplicatesOutcome& outcome) {
  std::lock_guard lock(mutex_);
  operation_.duplicates = outcome;
}

void RunningOperation::Finish(const absl::Status& status, const std::string& result) {
  std::lock_guard lock(mutex_);
  if (operation_.state != OperationState::kRunning) return;
  operation_.ended_unix_ms = clock_.UnixMs();
  if (status.ok()) {
    operation_.state = OperationState::kSucceeded;
    operation_.progress = 1;
    operation_.result = result;
  } else if (cancelled_ && absl::IsCancelled(status)) {
    operation_.state = OperationState::kCancelled;
    operation_.error_message = "cancelled on request; nothing was changed";
  } else {
    operation_.state = OperationState::kFailed;
    operation_.error_reason = ReasonOf(status);
    operation_.error_message = std::string(status.message());
  }
  wake_.notify_all();
}

void RunningOperation::Cancel() {
  std::lock_guard lock(mutex_);
  cancelled_ = true;
  wake_.notify_all();
}

bool RunningOperation::cancelled() const {
  std::lock_guard lock(mutex_);
  return cancelled_;
}

absl::Status RunningOperation::Check() const {
  return cancelled() ? absl::CancelledError("the operation was cancelled") : absl::OkStatus();
}

absl::Status RunningOperation::Pause(std::chrono::milliseconds span) const {
  {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, span, [this] { return cancelled_; });
  }
  return Check();
}

bool RunningOperation::WaitEnded(std::chrono::milliseconds patience) const {
  std::unique_lock lock(mutex_);
  return wake_.wait_for(lock, patience,
                        [this] { return operation_.state != OperationState::kRunning; });
}

Operations::Operations(const Clock& clock)
    : clock_(clock), prefix_(Uuid::Random().ToString().substr(0, 8) + "-") {}

absl::StatusOr<std::shared_ptr<RunningOperation>> Operations::Begin(const std::string& kind,
                                                                    const std::string& collection) {
  std::lock_guard lock(mutex_);
  if (closed_) {
    return Error(absl::StatusCode::kUnavailable, reason::kDraining,
                 "the coordinator is stopping; start the operation again when it is back");
  }
  for (const auto& [number, running] : operations_) {
    const Operation other = running->Snapshot();
    if (other.state == OperationState::kRunning && other.collection == collection &&
        other.kind == kind) {
      const bool is_training = kind == kTrainKind;
      return Error(absl::StatusCode::kAborted,
                   is_training ? reason::kTrainingInProgress : reason::kOperationInProgress,
                   fmt::format("operation {} ({}) runs on collection {} already: wait for it or "
                               "cancel it",
                               other.id, other.kind, collection),
                   {{"operation", other.id}});
    }
  }
  Expire();
  Operation operation;
  const uint64_t number = next_++;
  operation.id = fmt::format("{}{}", prefix_, number);
  operation.kind = kind;
  operation.collection = collection;
  operation.started_unix_ms = clock_.UnixMs();
  auto running = std::make_shared<RunningOperation>(std::move(operation), clock_);
  operations_[number] = running;
  return running;
}

absl::StatusOr<Operation> Operations::Get(const std::string& id) {
  KITH_ASSIGN_OR_RETURN(const auto running, Find(id));
  return running->Snapshot();
}

absl::StatusOr<std::shared_ptr<RunningOperation>> Operations::Find(const std::string& id) {
  std::lock_guard lock(mutex_);
  Expire();
  const std::string_view text(id);
  const bool ours = text.substr(0, prefix_.size()) == prefix_;
  uint64_t number = 0;
  if (!ours || !absl::SimpleAtoi(ToAbsl(text.substr(prefix_.size())), &number)) {
    return NoOperation(id);
  }
  const auto found = operations_.find(number);
  if (found == operations_.end()) return NoOperation(id);
  return found->second;
}

std::vector<Operation> Operations::List(const std::string& collection) {
  std::lock_guard lock(mutex_);
  Expire();
  std::vector<Operation> found;
  for (auto it = operations_.rbegin(); it != operations_.rend(); ++it) {
    Operation operation = it->second->Snapshot();
    if (collection.empty() || operation.collection == collection) {
      found.push_back(std::move(operation));
    }
  }
  return found;
}

absl::StatusOr<Operation> Operations::Cancel(const std::string& id) {
  KITH_ASSIGN_OR_RETURN(const auto running, Find(id));
  running->Cancel();
  return running->Snapshot();
}

std::vector<std::shared_ptr<RunningOperation>> Operations::RunningOn(
    const std::string& collection) const {
  std::lock_guard lock(mutex_);
  std::vector<std::shared_ptr<RunningOperation>> found;
  for (const auto& [number, running] : operations_) {
    const Operation operation = running->Snapshot();
    const bool meant = collection.empty() || operation.collection == collection;
    if (meant && operation.state == OperationState::kRunning) found.push_back(running);
  }
  return found;
}

bool Operations::Running(const std::string& collection) const {
  const auto running = RunningOn(collection);
  return std::any_of(running.begin(), running.end(), [](const auto& operation) {
    const std::string kind = operation->Snapshot().kind;
    return kind == kTrainKind || kind == kRestoreKind;
  });
}

bool Operations::RunningPayloadIndex(const std::string& collection) const {
  const auto running = RunningOn(collection);
  return std::any_of(running.begin(), running.end(), [](const auto& operation) {
    return operation->Snapshot().kind == kPayloadIndexKind;
  });
}

bool Operations::closed() const {
  std::lock_guard lock(mutex_);
  return closed_;
}

uint64_t Operations::begun() const {
  std::lock_guard lock(mutex_);
  return next_ - 1;
}

bool Operations::Drain(const std::string& collection, std::chrono::milliseconds patience) {
  const Deadline deadline = DeadlineIn(patience);
  const auto running = RunningOn(collection);
  for (const auto& operation : running) operation->Cancel();
  for (const auto& operation : running) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (!operation->WaitEnded(std::max(left, std::chrono::milliseconds(0)))) return false;
  }
  return true;
}

bool Operations::Close(std::chrono::milliseconds patience) {
  {
    std::lock_guard lock(mutex_);
    closed_ = true;
  }
  return Drain("", patience);
}

void Operations::Expire() {
  const uint64_t now = clock_.UnixMs();
  const auto ended = [](const Operation& operation) {
    return operation.state != OperationState::kRunning;
  };
  for (auto it = operations_.begin(); it != operations_.end();) {
    const Operation operation = it->second->Snapshot();
    const bool old = ended(operation) && operation.ended_unix_ms + kKeepMs <= now;
    it = old ? operations_.erase(it) : std::next(it);
  }
  // One place for the operation about to begin; the oldest that ended go first.
  for (auto it = operations_.begin();
       it != operations_.end() && operations_.size() >= limits::kOperationsKeptMax;) {
    it = ended(it->second->Snapshot()) ? operations_.erase(it) : std::next(it);
  }
}

}  // namespace kith::coordinator
