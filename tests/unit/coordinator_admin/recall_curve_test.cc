#include "coordinator/search/recall_curve.h"

#include <gtest/gtest.h>

namespace kith::coordinator {
namespace {

constexpr uint32_t kUsual = 160;
constexpr uint32_t kDeep = 400;

CollectionRecord Trained() {
  CollectionRecord record;
  record.serving_version = "v";
  record.trained_lists = 1024;
  record.recall = {{1, 0.50, 0.001, 0.48, kUsual},   {2, 0.70, 0.002, 0.68, kUsual},
                   {4, 0.82, 0.004, 0.80, kUsual},   {8, 0.92, 0.008, 0.91, kUsual},
                   {16, 0.965, 0.016, 0.96, kUsual}, {32, 0.99, 0.03, 0.988, kUsual}};
  return record;
}

// As where codes are too coarse for the usual depth: flat at 0.90, and at 0.97 when deeper.
CollectionRecord TrainedTwice() {
  CollectionRecord record = Trained();
  record.recall = {{8, 0.85, 0.008, 0.84, kUsual},   {16, 0.90, 0.016, 0.89, kUsual},
                   {32, 0.90, 0.03, 0.89, kUsual},   {64, 0.90, 0.06, 0.89, kUsual},
                   {8, 0.88, 0.008, 0.87, kDeep},    {16, 0.955, 0.016, 0.95, kDeep},
                   {32, 0.9701, 0.03, 0.965, kDeep}, {64, 0.9702, 0.06, 0.965, kDeep}};
  return record;
}

uint32_t NprobeFor(const CollectionRecord& record, double target) {
  return ChooseProbes(record, target).nprobe;
}

TEST(RecallGoal, AsksForAFifthFewerMisses) {
  EXPECT_DOUBLE_EQ(RecallGoal(0.95), 0.96);
  EXPECT_DOUBLE_EQ(RecallGoal(0.5), 0.6);
}

TEST(ChooseProbes, TakesTheMeasuredPointThatReachesTheGoal) {
  const ProbeChoice choice = ChooseProbes(Trained(), 0.95);
  EXPECT_EQ(choice.nprobe, 16u) << "the goal 0.96 is the lower end at 16 lists";
  EXPECT_EQ(choice.effort.refine, kUsual);
  EXPECT_TRUE(choice.is_reached);
}

TEST(ChooseProbes, InterpolatesBetweenMeasuredPointsAndRoundsUp) {
  // Goal 0.936 lies 26/50 of the way from 0.91 to 0.96: 8 + 0.52 * 8 = 12.16.
  EXPECT_EQ(NprobeFor(Trained(), 0.92), 13u);
}

TEST(ChooseProbes, GrowsWithTheTarget) {
  uint32_t before = 0;
  for (double target = 0.5; target <= 0.985; target += 0.005) {
    const uint32_t nprobe = NprobeFor(Trained(), target);
    EXPECT_GE(nprobe, before) << target;
    before = nprobe;
  }
  EXPECT_GT(before, 25u);
}

TEST(ChooseProbes, GoesByTheLowerEndOfTheIntervalAndNotByTheMean) {
  CollectionRecord unsure = Trained();
  unsure.recall[4].recall_low = 0.93;
  EXPECT_GT(NprobeFor(unsure, 0.95), 16u);
}

TEST(ChooseProbes, LooksDeeperOnlyWhereTheUsualDepthDoesNotGetThere) {
  const ProbeChoice easy = ChooseProbes(TrainedTwice(), 0.85);  // goal 0.88
  EXPECT_EQ(easy.effort.refine, kUsual);
  EXPECT_EQ(easy.nprobe, 15u) << "8 + 8 x 4/5";
  const ProbeChoice hard = ChooseProbes(TrainedTwice(), 0.95);  // goal 0.96
  EXPECT_EQ(hard.effort.refine, kDeep);
  EXPECT_EQ(hard.nprobe, 27u) << "16 + 16 x 2/3";
  EXPECT_TRUE(hard.is_reached);
}

TEST(ChooseProbes, TakesTheCurveThatGetsThereWithTheLeastWork) {
  CollectionRecord record = Trained();
  record.recall = {{16, 0.90, 0.010, 0.89, 80, 1.25},
                   {32, 0.95, 0.012, 0.94, 80, 1.25},
                   {512, 0.97, 0.013, 0.965, 80, 1.25},
                   {16, 0.93, 0.011, 0.92, 160, 1.5},
                   {32, 0.97, 0.014, 0.965, 160, 1.5}};
  record.versions.emplace_back();
  record.versions.back().version = "v";
  record.versions.back().trained_points = 1'000'000;
  // Up to 0.94 the first curve scans less; above it asks for hundreds of lists.
  EXPECT_EQ(ChooseProbes(record, 0.90).effort, (SearchEffort{80, 1.25}));
  EXPECT_EQ(ChooseProbes(record, 0.95).effort, (SearchEffort{160, 1.5}));
  // Where the points are not known the first that gets there is taken.
  record.versions.clear();
  EXPECT_EQ(ChooseProbes(record, 0.95).effort, (SearchEffort{80, 1.25}));
}

TEST(ChooseProbes, TakesTheBestAffordableWhereNoCurveGetsThere) {
  const ProbeChoice choice = ChooseProbes(TrainedTwice(), 0.99);
  EXPECT_FALSE(choice.is_reached);
  EXPECT_EQ(choice.effort.refine, kDeep);
  EXPECT_EQ(choice.nprobe, 32u) << "not all 1024 lists, nor 64 for nothing more";
  CollectionRecord dear = TrainedTwice();
  for (RecallMeasure& measure : dear.recall) measure.scanned_share = 0.06;
  EXPECT_EQ(NprobeFor(dear, 0.99), 64u) << "nothing is within 5 %: the last measured";
}

TEST(ChooseProbes, ProbesAllListsWhereNothingWasMeasured) {
  CollectionRecord empty = Trained();
  empty.recall.clear();
  const ProbeChoice choice = ChooseProbes(empty, 0.9);
  EXPECT_EQ(choice.nprobe, 1024u);
  EXPECT_FALSE(choice.is_reached);
}

TEST(ChooseProbes, OneListMayBeEnough) {
  CollectionRecord easy = Trained();
  easy.recall = {{1, 1.0, 0.001, 0.9997, kUsual}};
  EXPECT_EQ(NprobeFor(easy, 0.95), 1u);
}

TEST(ChooseProbes, NeverExceedsTheLists) {
  CollectionRecord small = Trained();
  small.trained_lists = 8;
  EXPECT_EQ(NprobeFor(small, 0.95), 8u);
  EXPECT_EQ(NprobeFor(small, 0.999), 8u);
}

TEST(ChooseProbes, IsOneWhereNothingWasTrained) {
  EXPECT_EQ(NprobeFor(CollectionRecord(), 0.95), 1u);
}

}  // namespace
}  // namespace kith::coordinator
