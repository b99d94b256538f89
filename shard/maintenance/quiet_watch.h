#ifndef KITH_SHARD_MAINTENANCE_QUIET_WATCH_H_
#define KITH_SHARD_MAINTENANCE_QUIET_WATCH_H_

#include <cstdint>

namespace kith::shard {

// Notices that nobody has written to a node for a while after enough was written to be worth the
// trouble. First the shards write down what they hold, then, when that has had its time, memory is
// given back: the log's flush then drops what it would otherwise put into a file.
//
// Threads: one at a time.
class QuietWatch {
 public:
  enum class Due { kNothing, kWriteDown, kGiveBack };

  // Asked a few times a second; `log_memory_bytes` moves with every write.
  Due Tick(uint64_t log_memory_bytes);
  // What was due could not be begun: it is due again after another quiet while.
  void Postpone() { written_bytes_ = kWorthwhileBytes; }

  static constexpr int kWriteDownTicks = 50;
  static constexpr int kGiveBackTicks = 75;
  static constexpr uint64_t kWorthwhileBytes = 1 << 20;

 private:
  uint64_t seen_bytes_ = 0;
  uint64_t written_bytes_ = 0;  // since memory was given back, at least
  int quiet_ticks_ = 0;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_QUIET_WATCH_H_
