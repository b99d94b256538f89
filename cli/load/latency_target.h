#ifndef KITH_CLI_LOAD_LATENCY_TARGET_H_
#define KITH_CLI_LOAD_LATENCY_TARGET_H_

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace kith::cli {

// What a user wants of the latency: that `share` of the calls take at most so long.
struct LatencyTarget {
  double share = 0.99;
  uint64_t nanoseconds = 0;
  std::string text;  // as it was written
};

// "p99=20ms": one of p50 p90 p95 p99 p99.9 max, and a time in us, ms or s. The usage error names
// --target.
absl::StatusOr<LatencyTarget> ParseLatencyTarget(std::string_view text);

}  // namespace kith::cli

#endif  // KITH_CLI_LOAD_LATENCY_TARGET_H_
