#include "shard/maintenance/checkpoint_schedule.h"

#include <gtest/gtest.h>

#include <chrono>

namespace kith::shard {
namespace {

using std::chrono::seconds;

class HandClock final : public Clock {
 public:
  Deadline Now() const override { return now_; }
  uint64_t UnixMs() const override { return 0; }
  void Pass(seconds time) { now_ += time; }

 private:
  Deadline now_{std::chrono::hours(1)};
};

class CheckpointScheduleTest : public ::testing::Test {
 protected:
  HandClock clock_;
  CheckpointSchedule schedule_{clock_, {.log_bytes = 1000, .seconds = 60}};
};

TEST_F(CheckpointScheduleTest, WhereNothingChangedNoneIsEverDue) {
  clock_.Pass(seconds(100'000));
  schedule_.AskIfLogged();
  EXPECT_FALSE(schedule_.IsDue());
}

TEST_F(CheckpointScheduleTest, OneIsDueAfterSoMuchLogOrSoLongAfterTheLastOne) {
  schedule_.NoteLogged(999);
  EXPECT_FALSE(schedule_.IsDue());
  schedule_.NoteLogged(1);
  EXPECT_TRUE(schedule_.IsDue());
  (void)schedule_.Begin();
  schedule_.Succeeded();
  EXPECT_FALSE(schedule_.IsDue());
  schedule_.NoteLogged(1);
  clock_.Pass(seconds(59));
  EXPECT_FALSE(schedule_.IsDue());
  clock_.Pass(seconds(1));
  EXPECT_TRUE(schedule_.IsDue());
}

TEST_F(CheckpointScheduleTest, AnIndexThatChangedIsWrittenDownThoughNothingWasLogged) {
  schedule_.NoteIndexChanged();
  EXPECT_FALSE(schedule_.IsDue());
  clock_.Pass(seconds(60));
  EXPECT_TRUE(schedule_.IsDue());
}

TEST_F(CheckpointScheduleTest, OneThatIsAskedForIsDueNow) {
  schedule_.NoteLogged(1);
  schedule_.AskIfLogged();
  EXPECT_TRUE(schedule_.IsDue());
  (void)schedule_.Begin();
  EXPECT_FALSE(schedule_.IsDue());
  schedule_.Ask();
  EXPECT_TRUE(schedule_.IsDue());
}

TEST_F(CheckpointScheduleTest, AfterAFailureItWaitsTwiceAsLongEachTimeAndAMinuteAtMost) {
  schedule_.Ask();
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    ASSERT_TRUE(schedule_.IsDue());
    EXPECT_EQ(schedule_.Failed(schedule_.Begin()), seconds(wait));
    EXPECT_FALSE(schedule_.IsDue());
    clock_.Pass(seconds(wait - 1));
    EXPECT_FALSE(schedule_.IsDue());
    clock_.Pass(seconds(1));
  }
  EXPECT_EQ(schedule_.failures(), 8u);
  (void)schedule_.Begin();
  schedule_.Succeeded();
  schedule_.Ask();
  EXPECT_TRUE(schedule_.IsDue()) << "the pause is over with the first that succeeds";
}

TEST_F(CheckpointScheduleTest, WhatAFailedOneCoveredTheNextOneHasToCover) {
  schedule_.NoteLogged(1000);
  schedule_.NoteIndexChanged();
  schedule_.Ask();
  (void)schedule_.Failed(schedule_.Begin());
  schedule_.NoteLogged(5);
  const CheckpointSchedule::Covered next = schedule_.Begin();
  EXPECT_EQ(next.log_bytes, 1005u);
  EXPECT_TRUE(next.index_changed);
  EXPECT_TRUE(next.asked);
  const CheckpointSchedule::Covered after = schedule_.Begin();
  EXPECT_EQ(after.log_bytes, 0u);
  EXPECT_FALSE(after.index_changed || after.asked);
}

}  // namespace
}  // namespace kith::shard
