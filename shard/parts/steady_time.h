#ifndef KITH_SHARD_PARTS_STEADY_TIME_H_
#define KITH_SHARD_PARTS_STEADY_TIME_H_

#include <chrono>
#include <cstdint>

#include "common/base/clock.h"

namespace kith::shard {

// A time of the steady clock as one number, for what several threads read and write.
inline int64_t Nanoseconds(Deadline time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time.time_since_epoch()).count();
}

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_STEADY_TIME_H_
