#ifndef KITH_SHARD_BACKUP_PACER_H_
#define KITH_SHARD_BACKUP_PACER_H_

#include <chrono>
#include <cstdint>
#include <thread>

namespace kith::shard {

// Keeps reading and writing to so many bytes a second, so that searches and writes find the disk
// free. Threads: one at a time.
class Pacer {
 public:
  explicit Pacer(uint64_t bytes_per_second)
      : bytes_per_second_(bytes_per_second), next_(std::chrono::steady_clock::now()) {}

  // Sleeps until the bytes that were taken have had their time. What was not used is not saved up.
  void Took(uint64_t bytes) {
    const double seconds = static_cast<double>(bytes) / static_cast<double>(bytes_per_second_);
    next_ += std::chrono::nanoseconds(static_cast<int64_t>(1e9 * seconds));
    const auto now = std::chrono::steady_clock::now();
    if (next_ < now) {
      next_ = now;
    } else {
      std::this_thread::sleep_until(next_);
    }
  }

 private:
  const uint64_t bytes_per_second_;
  std::chrono::steady_clock::time_point next_;
};

}  // namespace kith::shard

#endif  // KITH_SHARD_BACKUP_PACER_H_
