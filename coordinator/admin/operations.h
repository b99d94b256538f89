#ifndef KITH_COORDINATOR_ADMIN_OPERATIONS_H_
#define KITH_COORDINATOR_ADMIN_OPERATIONS_H_

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/clock.h"
#include "common/meta/meta_store.h"

namespace kith::coordinator {

enum class OperationState : uint8_t { kRunning = 1, kSucceeded = 2, kFailed = 3, kCancelled = 4 };

// What a training that succeeded came to.
struct TrainingOutcome {
  std::string not_promoted_reason;  // empty: the version serves
  std::optional<RecallComparison> comparison;
};

// What a search for duplicates that succeeded came to.
struct DuplicatesOutcome {
  uint64_t clusters = 0;
  uint64_t points = 0;           // in them
  uint64_t points_compared = 0;  // of the collection
  uint64_t points_crowded = 0;   // with more neighbours within the distance than are linked
  bool is_truncated = false;     // there was no room for more points with a duplicate
};

// The kind of operation that whoever may read the collection may start.
inline constexpr char kDuplicatesKind[] = "find_duplicates";
inline constexpr char kPayloadIndexKind[] = "payload_index";

// One long job as its caller sees it: a copy, frozen when it was asked for.
struct Operation {
  std::string id;
  // "train", "find_duplicates", "payload_index", "backup", "verify_backup", "restore"
  std::string kind;
  std::string collection;
  OperationState state = OperationState::kRunning;
  std::string stage;
  double progress = 0;  // 0 to 1 over the whole operation
  std::string error_reason;
  std::string error_message;
  uint64_t started_unix_ms = 0;
  uint64_t ended_unix_ms = 0;
  std::string result;
  std::vector<std::string> chosen;              // a sentence for each parameter: what it is and why
  std::optional<TrainingOutcome> training;      // of kind "train", once its version is published
  std::optional<DuplicatesOutcome> duplicates;  // of kind "find_duplicates", once it has succeeded
};

absl::Status NoOperation(const std::string& id);  // NOT_FOUND OPERATION_NOT_FOUND

// The side of the job that does the work. Threads: any.
class RunningOperation {
 public:
  RunningOperation(Operation start, const Clock& clock);

  Operation Snapshot() const;
  // Ignored once the operation has ended; progress never goes back.
  void Report(const std::string& stage, double progress);
  void NoteChosen(std::vector<std::string> chosen);
  void NoteTraining(TrainingOutcome outcome);
  void NoteDuplicates(const DuplicatesOutcome& outcome);
  // OK: SUCCEEDED with `result`. Else CANCELLED where that was asked for, or FAILED with the
  // status' reason and message. Only the first call counts.
  void Finish(const absl::Status& status, const std::string& result);

  void Cancel();
  bool cancelled() const;
  // CANCELLED once cancelled, else OK.
  absl::Status Check() const;
  // Sleeps for `span` or until cancelled, and answers as Check.
  absl::Status Pause(std::chrono::milliseconds span) const;
  bool WaitEnded(std::chrono::milliseconds patience) const;  // false: it still runs

 private:
  const Clock& clock_;
  mutable std::mutex mutex_;
  mutable std::condition_variable wake_;
  bool cancelled_ = false;
  Operation operation_;
};

// The registry: running operations, and for a day those that ended, at most
// limits::kOperationsKeptMax. It is in memory: a restart of the coordinator ends every operation
// (reconciling removes what it left on the shards).
//
// Threads: any; nothing blocks except Drain and Close.
class Operations {
 public:
  explicit Operations(const Clock& clock);

  // UNAVAILABLE DRAINING once closed; ABORTED TRAINING_IN_PROGRESS, or of another kind
  // OPERATION_IN_PROGRESS, while one of that kind runs on the collection.
  absl::StatusOr<std::shared_ptr<RunningOperation>> Begin(const std::string& kind,
                                                          const std::string& collection);

  absl::StatusOr<Operation> Get(const std::string& id);        // NOT_FOUND OPERATION_NOT_FOUND
  std::vector<Operation> List(const std::string& collection);  // empty: all; newest first
  // Asks it to stop and returns at once; it ends as CANCELLED when it has cleaned up. Cancelling
  // one that has ended changes nothing.
  absl::StatusOr<Operation> Cancel(const std::string& id);

  // One that changes the collection, a training or a restore: the others only read.
  bool Running(const std::string& collection) const;
  bool RunningPayloadIndex(const std::string& collection) const;
  // Those that run are cancelled because the process stops, not because anybody asked.
  bool closed() const;
  uint64_t begun() const;  // how many since the start, those that ended among them
  // Cancels those of one collection, or of all (empty), and waits until they ended or `patience`
  // has passed; false in the latter case.
  bool Drain(const std::string& collection, std::chrono::milliseconds patience);
  // For a stop of the process: refuses new ones and drains.
  bool Close(std::chrono::milliseconds patience);

 private:
  absl::StatusOr<std::shared_ptr<RunningOperation>> Find(const std::string& id);
  std::vector<std::shared_ptr<RunningOperation>> RunningOn(const std::string& collection) const;
  void Expire();  // with mutex_ held; leaves room for one more

  const Clock& clock_;
  const std::string
      prefix_;  // of the ids, new at each start: an old id never names a new operation
  bool closed_ = false;
  mutable std::mutex mutex_;
  uint64_t next_ = 1;
  std::map<uint64_t, std::shared_ptr<RunningOperation>> operations_;  // by order of their start
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_OPERATIONS_H_
