#include "shard/maintenance/quiet_watch.h"

namespace kith::shard {

QuietWatch::Due QuietWatch::Tick(uint64_t log_memory_bytes) {
  if (log_memory_bytes != seen_bytes_) {
    // Less than before: a full buffer went into a file, and this much was written since.
    const bool grew = log_memory_bytes > seen_bytes_;
    written_bytes_ += grew ? log_memory_bytes - seen_bytes_ : log_memory_bytes;
    seen_bytes_ = log_memory_bytes;
    quiet_ticks_ = 0;
    return Due::kNothing;
  }
  if (written_bytes_ < kWorthwhileBytes) return Due::kNothing;
  ++quiet_ticks_;
  if (quiet_ticks_ == kWriteDownTicks) return Due::kWriteDown;
  if (quiet_ticks_ < kGiveBackTicks) return Due::kNothing;
  quiet_ticks_ = 0;
  written_bytes_ = 0;
  return Due::kGiveBack;
}

}  // namespace kith::shard
