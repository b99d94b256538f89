#ifndef KITH_SHARD_MAINTENANCE_CHECKPOINT_SCHEDULE_H_
#define KITH_SHARD_MAINTENANCE_CHECKPOINT_SCHEDULE_H_

#include <atomic>
#include <chrono>
#include <cstdint>

#include "common/base/clock.h"

namespace kith::shard {

// When a copy's next checkpoint is due: after so much log, or so long after a change; now where it
// was asked for; and after one that failed not before a pause that doubles.
//
// Threads: any; Begin until Succeeded or Failed on one at a time.
class CheckpointSchedule {
 public:
  struct Limits {
    uint64_t log_bytes = 0;  // since the last one
    uint64_t seconds = 0;
  };
  // What a checkpoint covers. Where it fails, the next one has to.
  struct Covered {
    uint64_t log_bytes = 0;
    bool index_changed = false;
    bool asked = false;
  };

  CheckpointSchedule(const Clock& clock, Limits limits);

  void NoteLogged(uint64_t bytes);
  void NoteIndexChanged() { index_changed_ = true; }
  void Ask() { asked_ = true; }
  // If there is anything in the log to be let go by it.
  void AskIfLogged();
  bool IsDue() const;

  Covered Begin();
  void Succeeded();
  // How long it waits now.
  std::chrono::seconds Failed(const Covered& covered);
  uint64_t failures() const { return failures_; }

 private:
  const Clock& clock_;
  const Limits limits_;
  std::atomic<bool> index_changed_{false};
  std::atomic<bool> asked_{false};
  std::atomic<uint64_t> log_bytes_{0};
  std::atomic<int64_t> last_ns_;            // steady clock, as failed_ns_
  std::atomic<int64_t> retry_after_ns_{0};  // of waiting; 0: the last one succeeded
  std::atomic<int64_t> failed_ns_{0};
  std::atomic<uint64_t> failures_{0};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_CHECKPOINT_SCHEDULE_H_
