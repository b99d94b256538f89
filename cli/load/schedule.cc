#include "cli/load/schedule.h"

namespace kith::cli {
namespace {

constexpr uint64_t kArrivalStream = 0x5c4ed;  // apart from the streams that draw data

std::chrono::nanoseconds FromSeconds(double seconds) {
  return std::chrono::nanoseconds(static_cast<int64_t>(seconds * 1e9));
}

}  // namespace

Schedule::Schedule(const ScheduleOptions& options)
    : options_(options), random_(options.seed, kArrivalStream, options.sender) {}

std::chrono::nanoseconds Schedule::Next() {
  if (options_.arrivals == Arrivals::kPoisson) {
    // Several independent Poisson streams are one of the rates' sum.
    const double own_rate = options_.rate / options_.senders;
    poisson_seconds_ -= RandomStream::Log(1 - random_.Uniform()) / own_rate;
    return FromSeconds(poisson_seconds_);
  }
  // From the count, not by adding: rounding does not add up over a day.
  const uint64_t arrival = next_++ * options_.senders + options_.sender;
  return FromSeconds(static_cast<double>(arrival) / options_.rate);
}

}  // namespace kith::cli
