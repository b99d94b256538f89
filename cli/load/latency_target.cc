#include "cli/load/latency_target.h"

#include <fmt/format.h>

#include "absl/strings/numbers.h"
#include "cli/console/terminal.h"

namespace kith::cli {
namespace {

struct Percentile {
  std::string_view name;
  double share;
};
constexpr Percentile kPercentiles[] = {{"p50", 0.5},  {"p90", 0.9},     {"p95", 0.95},
                                       {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
struct Unit {
  std::string_view name;
  double nanoseconds;
};
constexpr Unit kUnits[] = {{"us", 1e3}, {"ms", 1e6}, {"s", 1e9}};
constexpr double kSecondsMax = 60;

absl::Status Senseless(std::string_view text) {
  return UsageError("--target",
                    fmt::format("\"{}\" is no target such as p99=20ms: one of p50, p90, p95, p99, "
                                "p99.9 and max, and a time up to {:g} s in us, ms or s",
                                text, kSecondsMax));
}

// 0 where it is no time.
double NanosecondsOf(std::string_view text) {
  const size_t digits = text.find_first_not_of("0123456789.");
  if (digits == std::string_view::npos) return 0;
  for (const Unit& unit : kUnits) {
    double value = 0;
    if (text.substr(digits) != unit.name) continue;
    if (!absl::SimpleAtod(std::string(text.substr(0, digits)), &value)) return 0;
    return value * unit.nanoseconds;
  }
  return 0;
}

}  // namespace

absl::StatusOr<LatencyTarget> ParseLatencyTarget(std::string_view text) {
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return Senseless(text);
  const double time = NanosecondsOf(text.substr(equals + 1));
  if (!(time >= 1) || time > kSecondsMax * 1e9) return Senseless(text);
  for (const Percentile& percentile : kPercentiles) {
    if (percentile.name == text.substr(0, equals)) {
      return LatencyTarget{percentile.share, static_cast<uint64_t>(time), std::string(text)};
    }
  }
  return Senseless(text);
}

}  // namespace kith::cli
