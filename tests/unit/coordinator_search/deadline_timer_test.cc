#include "coordinator/search/deadline_timer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <memory>
#include <vector>

#include "coordinator/search/call_deadlines.h"

namespace kith::coordinator {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(DeadlineTimer, RunsTasksInOrderOfTheirTimeAndNotBefore) {
  DeadlineTimer timer;
  std::mutex mutex;
  std::vector<int> order;
  std::promise<void> last;
  const Deadline start = std::chrono::steady_clock::now();
  Deadline ran;
  const auto note = [&](int i) {
    std::lock_guard lock(mutex);
    order.push_back(i);
  };
  ASSERT_TRUE(timer.Add(start + milliseconds(40), [&] {
    note(2);
    ran = std::chrono::steady_clock::now();
    last.set_value();
  }));
  ASSERT_TRUE(timer.Add(start + milliseconds(10), [&] { note(0); }));
  ASSERT_TRUE(timer.Add(start + milliseconds(20), [&] { note(1); }));
  last.get_future().wait();
  EXPECT_EQ(order, (std::vector<int>{0, 1, 2}));
  EXPECT_GE(ran, start + milliseconds(40));
  EXPECT_LT(ran, start + seconds(5));
}

TEST(DeadlineTimer, DoesNotRunWhatWasCancelledAndLetsGoOfIt) {
  DeadlineTimer timer;
  auto held = std::make_shared<int>(0);
  std::atomic<int> runs = 0;
  const auto ticket = timer.Add(DeadlineIn(milliseconds(20)), [&runs, held] { ++runs; });
  ASSERT_TRUE(ticket.has_value());
  timer.Cancel(*ticket);
  EXPECT_EQ(held.use_count(), 1);
  EXPECT_EQ(timer.pending(), 0u);
  std::promise<void> later;
  ASSERT_TRUE(timer.Add(DeadlineIn(milliseconds(40)), [&] { later.set_value(); }));
  later.get_future().wait();
  EXPECT_EQ(runs, 0);
  timer.Cancel(*ticket);  // again, and after its time: nothing
}

TEST(DeadlineTimer, RefusesMoreThanItsLimit) {
  DeadlineTimer timer(2);
  const Deadline far = DeadlineIn(seconds(60));
  const auto first = timer.Add(far, [] {});
  ASSERT_TRUE(first.has_value());
  ASSERT_TRUE(timer.Add(far, [] {}).has_value());
  EXPECT_FALSE(timer.Add(far, [] {}).has_value());
  timer.Cancel(*first);
  EXPECT_TRUE(timer.Add(far, [] {}).has_value());
}

TEST(DeadlineTimer, RunsWhatIsPendingWhenItIsDestroyed) {
  std::atomic<int> runs = 0;
  {
    DeadlineTimer timer;
    for (int i = 0; i < 3; ++i) ASSERT_TRUE(timer.Add(DeadlineIn(seconds(60)), [&] { ++runs; }));
  }
  EXPECT_EQ(runs, 3);
}

TEST(DeadlineTimer, WakesForAnEarlierTaskAfterAnIdleStretch) {
  DeadlineTimer timer;
  for (int i = 0; i < 3; ++i) {
    const auto far = timer.Add(DeadlineIn(seconds(60)), [] {});
    timer.Cancel(*far);
    std::promise<void> ran;
    ASSERT_TRUE(timer.Add(DeadlineIn(milliseconds(5)), [&] { ran.set_value(); }));
    EXPECT_EQ(ran.get_future().wait_for(seconds(10)), std::future_status::ready);
  }
}

TEST(CallDeadlines, KeepAReserveForTheMerge) {
  const Deadline now = std::chrono::steady_clock::now();
  const CallDeadlines two_seconds = SplitDeadline(now, now + seconds(2));
  EXPECT_EQ(two_seconds.shards, now + seconds(2) - milliseconds(45));
  EXPECT_GT(two_seconds.gather, two_seconds.shards);
  EXPECT_LT(two_seconds.gather, now + seconds(2));
  const CallDeadlines short_call = SplitDeadline(now, now + milliseconds(4));
  EXPECT_EQ(short_call.shards, now + milliseconds(2));
  EXPECT_EQ(SplitDeadline(now, now - seconds(1)).shards, now - seconds(1));
}

}  // namespace
}  // namespace kith::coordinator
