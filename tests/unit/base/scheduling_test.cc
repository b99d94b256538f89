#include "common/base/scheduling.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>
#include <thread>

namespace kith {
namespace {

struct Scheduled {
  uint64_t turn_ns = 0;  // 0: this kernel does not say
  int nice = 0;
};

// Of the calling thread, as the kernel has it (struct sched_attr).
Scheduled AskKernel() {
  struct {
    uint32_t size = 48;
    uint32_t policy = 0;
    uint64_t flags = 0;
    int32_t nice = 0;
    uint32_t priority = 0;
    uint64_t turn_ns = 0;
    uint64_t deadline_ns = 0;
    uint64_t period_ns = 0;
  } attributes;
  EXPECT_EQ(syscall(SYS_sched_getattr, 0, &attributes, sizeof(attributes), 0), 0);
  return {attributes.turn_ns, attributes.nice};
}

// On a thread of its own: what it asks for stays with it.
template <typename Body>
void OnThread(Body body) {
  std::thread(body).join();
}

TEST(SchedulingTest, AThreadOfShortTurnsPassesThemOnAndCanGoBackToTheUsualOnes) {
  OnThread([] {
    const Scheduled usual = AskKernel();
    if (usual.turn_ns == 0) GTEST_SKIP() << "the kernel has no turns (before 6.12)";
    SetTurns(Turns::kShort);
    EXPECT_LT(AskKernel().turn_ns, usual.turn_ns);
    EXPECT_EQ(AskKernel().nice, usual.nice);
    OnThread([&] {
      EXPECT_LT(AskKernel().turn_ns, usual.turn_ns);
      SetTurns(Turns::kUsual);
      EXPECT_EQ(AskKernel().turn_ns, usual.turn_ns);
    });
  });
}

TEST(SchedulingTest, AThreadThatYieldsHasTheUsualTurnsWhateverItWasStartedWith) {
  OnThread([] {
    const Scheduled usual = AskKernel();
    SetTurns(Turns::kShort);
    OnThread([&] {
      YieldToOthers(15);
      EXPECT_EQ(AskKernel().nice, 15);
      EXPECT_EQ(AskKernel().turn_ns, usual.turn_ns);
    });
    EXPECT_EQ(AskKernel().nice, usual.nice) << "of the thread that asked, and no other";
  });
}

}  // namespace
}  // namespace kith
