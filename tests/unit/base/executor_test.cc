#include "common/base/executor.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace kith {
namespace {

TEST(ExecutorTest, EveryPostedTaskRunsOnceBeforeTheDestructorReturns) {
  std::atomic<int> ran{0};
  {
    Executor executor({"test", 3, 10'000});
    for (int i = 0; i < 1000; ++i) ASSERT_TRUE(executor.Post([&] { ++ran; }));
  }
  EXPECT_EQ(ran, 1000);
}

TEST(ExecutorTest, AFullQueueRefusesButAdmittedWorkIsTakenAllTheSame) {
  std::promise<void> release;
  std::promise<void> running;
  std::atomic<int> ran{0};
  Executor executor({"test", 1, 2});
  ASSERT_TRUE(executor.Post([&] {
    running.set_value();
    release.get_future().wait();
  }));
  running.get_future().wait();
  EXPECT_TRUE(executor.Post([&] { ++ran; }));
  EXPECT_TRUE(executor.Post([&] { ++ran; }));
  EXPECT_FALSE(executor.Post([&] { ++ran; }));
  executor.PostAlways([&] { ++ran; });
  EXPECT_EQ(executor.queued(), 3u);
  release.set_value();
  executor.Stop();
  EXPECT_EQ(ran, 3);
}

TEST(ExecutorTest, AfterStopNothingIsTaken) {
  Executor executor({"test", 1});
  executor.Stop();
  EXPECT_FALSE(executor.Post([] {}));
}

TEST(ExecutorTest, OneThreadRunsItsTasksInOrder) {
  std::vector<int> order;
  {
    Executor executor({"test", 1});
    for (int i = 0; i < 100; ++i) ASSERT_TRUE(executor.Post([&order, i] { order.push_back(i); }));
  }
  for (int i = 0; i < 100; ++i) EXPECT_EQ(order[static_cast<size_t>(i)], i);
}

}  // namespace
}  // namespace kith
