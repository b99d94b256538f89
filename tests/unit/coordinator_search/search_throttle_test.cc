#include "coordinator/search/search_throttle.h"

#include <gtest/gtest.h>

#include <chrono>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

using std::chrono::duration;
using std::chrono::nanoseconds;
using std::chrono::seconds;

class StandingClock final : public Clock {
 public:
  Deadline Now() const override { return now_; }
  uint64_t UnixMs() const override { return 0; }
  void Advance(duration<double> span) {
    now_ += std::chrono::duration_cast<Deadline::duration>(span);
  }

 private:
  Deadline now_{seconds(1000)};
};

struct Outcome {
  int let_through = 0;
  int taken = 0;
};

class SearchThrottleTest : public ::testing::Test {
 protected:
  // So many searches a second come to shards that take `capacity` of them a second.
  Outcome Offer(double rate, double capacity, seconds span) {
    Outcome outcome;
    double room = 0;
    const int calls = static_cast<int>(rate * static_cast<double>(span.count()));
    for (int i = 0; i < calls; ++i) {
      clock_.Advance(duration<double>(1 / rate));
      room = std::min(2.0, room + capacity / rate);
      if (!throttle_.Admit("c", SearchPriority::kInteractive).ok()) continue;
      ++outcome.let_through;
      if (room < 1) {
        throttle_.NoteRefused("c", SearchPriority::kInteractive);
        continue;
      }
      room -= 1;
      ++outcome.taken;
    }
    return outcome;
  }

  StandingClock clock_;
  SearchThrottle throttle_{clock_};
};

TEST_F(SearchThrottleTest, NothingIsRefusedWhileTheShardsTakeAll) {
  EXPECT_EQ(Offer(1000, 2000, seconds(3)).let_through, 3000);
  EXPECT_EQ(throttle_.refused(), 0u);
}

TEST_F(SearchThrottleTest, AFewRefusalsByTheShardsAreNoReasonToRefuse) {
  EXPECT_EQ(Offer(1000, 900, seconds(3)).let_through, 3000);
}

TEST_F(SearchThrottleTest, ThreeTimesTooManyKeepTheShardsBusyAndNoMore) {
  (void)Offer(3000, 1000, seconds(2));
  const Outcome outcome = Offer(3000, 1000, seconds(4));
  EXPECT_GE(outcome.taken, 3900) << "of 4000 that the shards could take";
  EXPECT_NEAR(outcome.let_through, 6000, 600);
}

TEST_F(SearchThrottleTest, EvenThirtyTimesTooManyLeaveTheShardsBusy) {
  (void)Offer(30'000, 1000, seconds(2));
  EXPECT_GE(Offer(30'000, 1000, seconds(4)).taken, 3800);
}

TEST_F(SearchThrottleTest, WhatComesAfterwardsIsLetThroughWithinTwoSeconds) {
  (void)Offer(3000, 1000, seconds(5));
  (void)Offer(500, 1000, seconds(2));
  EXPECT_EQ(Offer(500, 1000, seconds(2)).let_through, 1000);
}

TEST_F(SearchThrottleTest, OtherCollectionsAndOtherPrioritiesAreNotMeant) {
  (void)Offer(3000, 1000, seconds(2));
  for (int i = 0; i < 100; ++i) {
    EXPECT_TRUE(throttle_.Admit("another", SearchPriority::kInteractive).ok());
    EXPECT_TRUE(throttle_.Admit("c", SearchPriority::kBatch).ok());
  }
}

TEST_F(SearchThrottleTest, ARefusalSaysWhenToComeBack) {
  for (int i = 0; i < 1000; ++i) throttle_.NoteRefused("c", SearchPriority::kInteractive);
  const absl::Status refused = throttle_.Admit("c", SearchPriority::kInteractive);
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(refused), reason::kOverloaded);
  EXPECT_TRUE(FactOf(refused, kRetryAfterMsFact).has_value());
  EXPECT_TRUE(IsOverload(refused));
}

TEST_F(SearchThrottleTest, OnlyTooMuchToDoIsOverload) {
  EXPECT_TRUE(IsOverload(Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull, "")));
  EXPECT_FALSE(IsOverload(Error(absl::StatusCode::kResourceExhausted, reason::kBatchTooLarge, "")));
  EXPECT_FALSE(IsOverload(Error(absl::StatusCode::kUnavailable, reason::kOverloaded, "")));
  EXPECT_FALSE(IsOverload(absl::OkStatus()));
}

}  // namespace
}  // namespace kith::coordinator
