#include "common/base/core_spread.h"

#include <sched.h>
#include <unistd.h>

#include <algorithm>

namespace kith {
namespace {

size_t CoresConfigured() {
  const long cores = sysconf(_SC_NPROCESSORS_CONF);
  return static_cast<size_t>(std::clamp<long>(cores, 1, CPU_SETSIZE));
}

// The kernel moves a thread at once from a core that it is no longer allowed.
bool MoveTo(size_t core, const cpu_set_t& allowed) {
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(core, &one);
  const bool is_moved = sched_setaffinity(0, sizeof(one), &one) == 0;
  (void)sched_setaffinity(0, sizeof(allowed), &allowed);
  return is_moved;
}

}  // namespace

CoreSpread::CoreSpread() : cores_(CoresConfigured() + 1) {}

size_t CoreSpread::Sit() {
  const int number = sched_getcpu();
  const size_t unknown = cores_.size() - 1;
  const size_t core = number < 0 ? unknown : std::min(static_cast<size_t>(number), unknown);
  const bool is_taken = cores_[core].seats.fetch_add(1, std::memory_order_relaxed) > 0;
  return is_taken && core != unknown ? MoveFrom(core) : core;
}

void CoreSpread::Rise(size_t core) { cores_[core].seats.fetch_sub(1, std::memory_order_relaxed); }

// To the next free core by number: neighbours share most.
size_t CoreSpread::MoveFrom(size_t core) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return core;
  const size_t count = cores_.size() - 1;
  for (size_t i = 1; i < count; ++i) {
    const size_t other = (core + i) % count;
    if (!CPU_ISSET(other, &allowed)) continue;
    uint32_t none = 0;
    if (!cores_[other].seats.compare_exchange_strong(none, 1, std::memory_order_relaxed)) continue;
    if (!MoveTo(other, allowed)) {
      Rise(other);
      return core;
    }
    Rise(core);
    moves_.fetch_add(1, std::memory_order_relaxed);
    return other;
  }
  return core;
}

}  // namespace kith
