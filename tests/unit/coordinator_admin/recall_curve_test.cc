#include "coordinator/search/recall_curve.h"

#include <gtest/gtest.h>

namespace kith::coordinator {
namespace {

CollectionRecord Trained() {
  CollectionRecord record;
  record.serving_version = "v";
  record.trained_lists = 1024;
  record.recall = {{1, 0.50, 0.001, 0.48}, {2, 0.70, 0.002, 0.68},   {4, 0.82, 0.004, 0.80},
                   {8, 0.92, 0.008, 0.91}, {16, 0.965, 0.016, 0.96}, {32, 0.99, 0.03, 0.988}};
  return record;
}

TEST(RecallGoal, AsksForAFifthFewerMisses) {
  EXPECT_DOUBLE_EQ(RecallGoal(0.95), 0.96);
  EXPECT_DOUBLE_EQ(RecallGoal(0.5), 0.6);
}

TEST(NprobeFor, TakesTheMeasuredPointThatReachesTheGoal) {
  EXPECT_EQ(NprobeFor(Trained(), 0.95), 16u) << "the goal 0.96 is the lower end at 16 lists";
}

TEST(NprobeFor, InterpolatesBetweenMeasuredPointsAndRoundsUp) {
  // Goal 0.936 lies 26/50 of the way from 0.91 to 0.96: 8 + 0.52 * 8 = 12.16.
  EXPECT_EQ(NprobeFor(Trained(), 0.92), 13u);
}

TEST(NprobeFor, GrowsWithTheTarget) {
  uint32_t before = 0;
  for (double target = 0.5; target <= 0.985; target += 0.005) {
    const uint32_t nprobe = NprobeFor(Trained(), target);
    EXPECT_GE(nprobe, before) << target;
    before = nprobe;
  }
  EXPECT_GT(before, 25u);
}

TEST(NprobeFor, GoesByTheLowerEndOfTheIntervalAndNotByTheMean) {
  CollectionRecord unsure = Trained();
  unsure.recall[4].recall_low = 0.93;
  EXPECT_GT(NprobeFor(unsure, 0.95), 16u);
}

TEST(NprobeFor, ProbesAllListsWhereTheCurveNeverGetsThere) {
  EXPECT_EQ(NprobeFor(Trained(), 0.999), 1024u);
  CollectionRecord empty = Trained();
  empty.recall.clear();
  EXPECT_EQ(NprobeFor(empty, 0.9), 1024u);
}

TEST(NprobeFor, OneListMayBeEnough) {
  CollectionRecord easy = Trained();
  easy.recall = {{1, 1.0, 0.001, 0.9997}};
  EXPECT_EQ(NprobeFor(easy, 0.95), 1u);
}

TEST(NprobeFor, NeverExceedsTheLists) {
  CollectionRecord small = Trained();
  small.trained_lists = 8;
  EXPECT_EQ(NprobeFor(small, 0.95), 8u);
}

TEST(NprobeFor, IsOneWhereNothingWasTrained) { EXPECT_EQ(NprobeFor(CollectionRecord(), 0.95), 1u); }

}  // namespace
}  // namespace kith::coordinator
