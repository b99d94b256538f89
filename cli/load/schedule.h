#ifndef KITH_CLI_LOAD_SCHEDULE_H_
#define KITH_CLI_LOAD_SCHEDULE_H_

#include <chrono>
#include <cstdint>

#include "cli/dataset/random.h"

namespace kith::cli {

enum class Arrivals { kConstant, kPoisson };

struct ScheduleOptions {
  double rate = 1;  // calls a second, of all senders together
  Arrivals arrivals = Arrivals::kConstant;
  uint64_t seed = 1;
  uint32_t senders = 1;  // the arrivals are dealt out to them
  uint32_t sender = 0;
};

// When calls are due. It knows nothing of the answers: a slow server does not move it, so what
// should have been sent while the server stood still counts with the whole of its waiting (no
// coordinated omission).
// Threads: one at a time.
class Schedule {
 public:
  explicit Schedule(const ScheduleOptions& options);
  // The next arrival, from the beginning of the run; ascending.
  std::chrono::nanoseconds Next();

 private:
  const ScheduleOptions options_;
  RandomStream random_;
  uint64_t next_ = 0;
  double poisson_seconds_ = 0;
};

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_SCHEDULE_H_
