#include "shard/maintenance/step_loop.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <vector>

namespace kith::shard {
namespace {

TEST(StepLoop, GoesOnWhileThereIsMoreToDo) {
  Executor pool({"test", 1});
  std::promise<void> ended;
  int left = 5;
  StepLoop loop(pool, [&] {
    if (--left > 0) return true;
    ended.set_value();
    return false;
  });
  loop.Post();
  ended.get_future().wait();
  loop.Close();
  EXPECT_EQ(left, 0);
}

TEST(StepLoop, NeverRunsTwoStepsAtATime) {
  Executor pool({"test", 4});
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> steps{0};
  StepLoop loop(pool, [&] {
    most = std::max<int>(most, ++running);
    std::this_thread::yield();
    --running;
    return ++steps < 200;
  });
  for (int i = 0; i < 1000; ++i) loop.Post();
  while (steps < 200) loop.Post();
  loop.Close();
  EXPECT_EQ(most, 1);
}

TEST(StepLoop, CloseWaitsForTheStepUnderWayAndNoneFollowsIt) {
  Executor pool({"test", 2});
  std::promise<void> running;
  std::promise<void> release;
  std::atomic<int> steps{0};
  StepLoop loop(pool, [&] {
    ++steps;
    running.set_value();
    release.get_future().wait();
    return true;  // more, but it is closed
  });
  loop.Post();
  running.get_future().wait();
  std::future<void> closed = std::async(std::launch::async, [&] { loop.Close(); });
  EXPECT_EQ(closed.wait_for(std::chrono::milliseconds(20)), std::future_status::timeout);
  release.set_value();
  closed.wait();
  loop.Post();
  pool.Stop();
  EXPECT_EQ(steps, 1);
}

TEST(StepLoop, NothingIsPostedOnceItIsClosed) {
  Executor pool({"test", 1});
  std::promise<void> running;
  std::promise<void> release;
  StepLoop loop(pool, [] { return false; });
  loop.Close();
  ASSERT_TRUE(pool.Post([&] {
    running.set_value();
    release.get_future().wait();
  }));
  running.get_future().wait();
  loop.Post();
  EXPECT_EQ(pool.queued(), 0u) << "it would run when the loop is gone";
  release.set_value();
  pool.Stop();
}

TEST(StepLoop, APoolThatIsFullIsAskedAgain) {
  Executor pool({"test", 1, 1});
  std::promise<void> release;
  std::promise<void> running;
  ASSERT_TRUE(pool.Post([&] {
    running.set_value();
    release.get_future().wait();
  }));
  running.get_future().wait();
  ASSERT_TRUE(pool.Post([] {}));
  std::promise<void> stepped;
  StepLoop loop(pool, [&] {
    stepped.set_value();
    return false;
  });
  loop.Post();  // refused
  release.set_value();
  while (pool.queued() != 0) std::this_thread::yield();
  loop.Post();
  EXPECT_EQ(stepped.get_future().wait_for(std::chrono::seconds(10)), std::future_status::ready);
  loop.Close();
}

}  // namespace
}  // namespace kith::shard
