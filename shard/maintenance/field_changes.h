#ifndef KITH_SHARD_MAINTENANCE_FIELD_CHANGES_H_
#define KITH_SHARD_MAINTENANCE_FIELD_CHANGES_H_

#include <atomic>
#include <cstdint>
#include <functional>

#include "absl/status/status.h"
#include "common/base/executor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/maintenance/step_loop.h"
#include "shard/parts/copy_parts.h"
#include "shard/parts/field_states.h"
#include "shard/parts/old_rows.h"

namespace kith::shard {

// What only the writer may do where fields change, asked of it: Writer has what each does.
struct FieldActions {
  std::function<absl::Status(const SetFieldsCall&)> set;
  std::function<absl::Status(const OldRows&)> add_old_rows;
  std::function<absl::Status(uint16_t)> finish;
  std::function<absl::Status(uint16_t)> release;
};

// Where the fields change that a copy indexes: makes that durable, and then, piece by piece, takes
// the rows that were there before into the index of a new field, and frees what a dropped one took
// (docs/decisions/0057).
//
// Threads: any; the construction, Stop and Join are the copy's.
class FieldChanges {
 public:
  struct Options {
    std::function<void()> before_step;      // may hold it up
    std::function<void()> on_memory_freed;  // by a field that was dropped
    Executor& pool;
  };

  // Of parts that were just recovered.
  FieldChanges(CopyParts& parts, FieldActions writer, Options options);

  // As ShardService::SetPayloadFields.
  absl::Status Set(const SetFieldsCall& call);
  // Asked a few times a second: goes on with what waits.
  void Tick();
  // What a crash does not undo: of the fields' revision.
  uint64_t durable_revision() const { return durable_; }

  // No step is begun any more.
  void Stop() { stopping_ = true; }
  // Waits for the one under way.
  void Join() { loop_.Close(); }

 private:
  bool Waits() const;
  bool ChangeSome();
  absl::Status Step(const FieldStates& fields);

  CopyParts& parts_;
  const FieldActions writer_;
  const std::function<void()> before_step_;
  const std::function<void()> on_memory_freed_;
  std::atomic<uint64_t> durable_;
  std::atomic<bool> failed_{false};  // the last step did
  std::atomic<bool> stopping_{false};
  StepLoop loop_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_FIELD_CHANGES_H_
