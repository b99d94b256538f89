#include "shard/maintenance/checkpoint_schedule.h"

#include <algorithm>

#include "shard/parts/steady_time.h"

namespace kith::shard {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr int64_t kRetryMin = kSecond;
constexpr int64_t kRetryMax = 60 * kSecond;

}  // namespace

CheckpointSchedule::CheckpointSchedule(const Clock& clock, Limits limits)
    : clock_(clock), limits_(limits), last_ns_(Nanoseconds(clock.Now())) {}

void CheckpointSchedule::NoteLogged(uint64_t bytes) {
  log_bytes_.fetch_add(bytes, std::memory_order_relaxed);
}

void CheckpointSchedule::AskIfLogged() {
  if (log_bytes_.load(std::memory_order_relaxed) > 0) asked_ = true;
}

bool CheckpointSchedule::IsDue() const {
  if (const int64_t wait = retry_after_ns_; wait != 0) {
    return Nanoseconds(clock_.Now()) - failed_ns_.load() >= wait;
  }
  if (asked_) return true;
  const uint64_t bytes = log_bytes_.load(std::memory_order_relaxed);
  if (bytes >= limits_.log_bytes) return true;
  if (bytes == 0 && !index_changed_.load(std::memory_order_relaxed)) return false;
  const int64_t age = Nanoseconds(clock_.Now()) - last_ns_.load();
  return age >= static_cast<int64_t>(limits_.seconds) * kSecond;
}

CheckpointSchedule::Covered CheckpointSchedule::Begin() {
  return {log_bytes_.exchange(0), index_changed_.exchange(false), asked_.exchange(false)};
}

void CheckpointSchedule::Succeeded() {
  last_ns_ = Nanoseconds(clock_.Now());
  retry_after_ns_ = 0;
}

std::chrono::seconds CheckpointSchedule::Failed(const Covered& covered) {
  log_bytes_ += covered.log_bytes;
  if (covered.index_changed) index_changed_ = true;
  if (covered.asked) asked_ = true;
  ++failures_;
  failed_ns_ = Nanoseconds(clock_.Now());
  retry_after_ns_ = std::clamp(retry_after_ns_ * 2, kRetryMin, kRetryMax);
  return std::chrono::seconds(retry_after_ns_ / kSecond);
}

}  // namespace kith::shard
