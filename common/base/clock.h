#ifndef KITH_COMMON_BASE_CLOCK_H_
#define KITH_COMMON_BASE_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace kith {

// Deadlines and latencies are on the steady clock; wall time only stamps log entries and records.
using Deadline = std::chrono::steady_clock::time_point;

inline Deadline DeadlineIn(std::chrono::nanoseconds span) {
  return std::chrono::steady_clock::now() +
         std::chrono::duration_cast<std::chrono::steady_clock::duration>(span);
}

// Threads: any.
class Clock {
 public:
  virtual ~Clock() = default;
  virtual Deadline Now() const = 0;
  virtual uint64_t UnixMs() const = 0;
};

class SystemClock final : public Clock {
 public:
  Deadline Now() const override { return std::chrono::steady_clock::now(); }
  uint64_t UnixMs() const override {
    return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(
                                     std::chrono::system_clock::now().time_since_epoch())
                                     .count());
  }
};

}  // namespace kith

#endif  // KITH_COMMON_BASE_CLOCK_H_
