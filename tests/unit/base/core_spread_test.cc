#include "common/base/core_spread.h"

#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <functional>
#include <thread>
#include <vector>

#include "common/base/executor.h"

namespace kith {
namespace {

using Cores = std::vector<size_t>;

// What the calling thread may run on.
Cores Allowed() {
  cpu_set_t set;
  EXPECT_EQ(sched_getaffinity(0, sizeof(set), &set), 0);
  Cores cores;
  for (size_t core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

void Allow(const Cores& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const size_t core : cores) CPU_SET(core, &set);
  ASSERT_EQ(sched_setaffinity(0, sizeof(set), &set), 0);
}

// The calling thread is on the first of them, and may go to the others: the kernel moves it only
// where it has a reason to.
void BeginOnFirst(const Cores& cores) {
  Allow({cores.front()});
  Allow(cores);
}

class CoreSpreadTest : public testing::Test {
 protected:
  void SetUp() override {
    cores_ = Allowed();
    if (cores_.size() < 2) GTEST_SKIP() << "one core: nowhere to go";
  }

  // On a thread of its own, as often as it takes while another thread works on `at`; whether
  // `is_enough` ever held. A thread may have been moved by the kernel before it sits down.
  bool Meets(size_t at, const std::function<bool()>& is_enough) {
    bool is_met = false;
    std::thread([&] {
      Allow({at});
      const CoreSpread::Seat seat(spread_);
      std::thread([&] {
        for (int i = 0; i < 1000 && !is_met; ++i) is_met = is_enough();
      }).join();
    }).join();
    return is_met;
  }

  Cores cores_;
  CoreSpread spread_;
};

TEST_F(CoreSpreadTest, WhoBeginsWhereAnotherWorksIsMovedAndMayBeMovedAgain) {
  EXPECT_TRUE(Meets(cores_[0], [&] {
    BeginOnFirst(cores_);
    const CoreSpread::Seat seat(spread_);
    const auto core = static_cast<size_t>(sched_getcpu());
    EXPECT_EQ(Allowed(), cores_);
    return spread_.moves() > 0 && core != cores_[0];
  }));
}

TEST_F(CoreSpreadTest, NobodyIsMovedToACoreThatIsNotAllowed) {
  Meets(cores_[0], [&] {
    Allow({cores_[0]});
    const CoreSpread::Seat seat(spread_);
    EXPECT_EQ(Allowed(), Cores{cores_[0]});
    return false;
  });
  EXPECT_EQ(spread_.moves(), 0u);
}

TEST_F(CoreSpreadTest, WhereEveryCoreIsTakenNobodyIsMoved) {
  const Cores two = {cores_[0], cores_[1]};
  Meets(two[1], [&] {
    Allow({two[0]});
    const CoreSpread::Seat seat(spread_);
    std::thread([&] {
      BeginOnFirst(two);
      const CoreSpread::Seat third(spread_);
      EXPECT_EQ(Allowed(), two);
    }).join();
    return false;
  });
  EXPECT_EQ(spread_.moves(), 0u);
}

TEST_F(CoreSpreadTest, ASeatIsFreeOnceItIsLeft) {
  std::thread([&] {
    for (int i = 0; i < 100; ++i) {
      BeginOnFirst(cores_);
      const CoreSpread::Seat seat(spread_);
    }
  }).join();
  EXPECT_EQ(spread_.moves(), 0u);
}

TEST_F(CoreSpreadTest, ThreadsOfAnExecutorSitDownForEachTask) {
  Executor executor({.name = "test", .threads = 1, .cores = &spread_});
  EXPECT_TRUE(Meets(cores_[0], [&] {
    std::atomic<int> ended = 0;
    executor.PostAlways([&] {
      BeginOnFirst(cores_);
      ++ended;
    });
    executor.PostAlways([&] { ++ended; });
    while (ended < 2) std::this_thread::yield();
    return spread_.moves() > 0;
  }));
}

}  // namespace
}  // namespace kith
