#include "shard/maintenance/quiet_watch.h"

#include <gtest/gtest.h>

namespace kith::shard {
namespace {

using Due = QuietWatch::Due;
constexpr uint64_t kMegabyte = 1 << 20;

// What comes due in so many ticks without a write.
int Quiet(QuietWatch& watch, uint64_t log_memory_bytes, int ticks, Due due) {
  int times = 0;
  for (int i = 0; i < ticks; ++i) times += watch.Tick(log_memory_bytes) == due ? 1 : 0;
  return times;
}

TEST(QuietWatchTest, AfterWritesTheShardsWriteDownOnceAndThenMemoryIsGivenBackOnce) {
  QuietWatch watch;
  EXPECT_EQ(watch.Tick(8 * kMegabyte), Due::kNothing);
  EXPECT_EQ(Quiet(watch, 8 * kMegabyte, QuietWatch::kWriteDownTicks - 1, Due::kNothing),
            QuietWatch::kWriteDownTicks - 1);
  EXPECT_EQ(watch.Tick(8 * kMegabyte), Due::kWriteDown);
  const int between = QuietWatch::kGiveBackTicks - QuietWatch::kWriteDownTicks - 1;
  EXPECT_EQ(Quiet(watch, 8 * kMegabyte, between, Due::kNothing), between);
  EXPECT_EQ(watch.Tick(8 * kMegabyte), Due::kGiveBack);
  EXPECT_EQ(watch.Tick(2048), Due::kNothing) << "the log was flushed";
  EXPECT_EQ(Quiet(watch, 2048, 1000, Due::kNothing), 1000);
}

TEST(QuietWatchTest, AWriteBeginsTheQuietWhileAnew) {
  QuietWatch watch;
  for (uint64_t bytes = kMegabyte; bytes < 20 * kMegabyte; bytes += kMegabyte) {
    watch.Tick(bytes);
    EXPECT_EQ(Quiet(watch, bytes, QuietWatch::kWriteDownTicks - 1, Due::kNothing),
              QuietWatch::kWriteDownTicks - 1);
  }
}

TEST(QuietWatchTest, AFewWritesAreNotWorthAFlush) {
  QuietWatch watch;
  watch.Tick(kMegabyte / 2);
  EXPECT_EQ(Quiet(watch, kMegabyte / 2, 1000, Due::kNothing), 1000);
  watch.Tick(kMegabyte);  // together they are
  EXPECT_EQ(Quiet(watch, kMegabyte, 100, Due::kGiveBack), 1);
}

TEST(QuietWatchTest, WhatWentIntoAFileMeanwhileCountsAsWritten) {
  QuietWatch watch;
  watch.Tick(kMegabyte / 2);
  watch.Tick(kMegabyte / 4);  // a full buffer was flushed, and a new one begun
  watch.Tick(kMegabyte / 2);
  EXPECT_EQ(Quiet(watch, kMegabyte / 2, 100, Due::kGiveBack), 1);
}

TEST(QuietWatchTest, WhatCouldNotBeBegunIsDueAgain) {
  QuietWatch watch;
  watch.Tick(kMegabyte);
  EXPECT_EQ(Quiet(watch, kMegabyte, QuietWatch::kGiveBackTicks, Due::kGiveBack), 1);
  watch.Postpone();
  EXPECT_EQ(Quiet(watch, kMegabyte, QuietWatch::kGiveBackTicks, Due::kGiveBack), 1);
}

}  // namespace
}  // namespace kith::shard
