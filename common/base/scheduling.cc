#include "common/base/scheduling.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace kith {
namespace {

constexpr uint64_t kShortTurnNs = 100'000;  // the kernel's minimum

// struct sched_attr as the kernel has it; the C library of Debian 12 does not.
struct SchedulingAttributes {
  uint32_t size = sizeof(SchedulingAttributes);
  uint32_t policy = 0;  // SCHED_OTHER
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t turn_ns = 0;  // 0: the kernel's own
  uint64_t deadline_ns = 0;
  uint64_t period_ns = 0;
};

}  // namespace

// A refusal changes nothing but latency under load: it is not worth more than being ignored.
void SetTurns(Turns turns) {
  SchedulingAttributes attributes;
  attributes.nice = getpriority(PRIO_PROCESS, 0);
  attributes.turn_ns = turns == Turns::kShort ? kShortTurnNs : 0;
  (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void YieldToOthers(int nice) {
  (void)setpriority(PRIO_PROCESS, static_cast<id_t>(syscall(SYS_gettid)), nice);
  SetTurns(Turns::kUsual);
}

}  // namespace kith
