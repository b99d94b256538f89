#include "coordinator/admin/promotion.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith::coordinator {
namespace {

using ::testing::HasSubstr;

// nprobe, recall, share, low, refine.
IndexVersionRecord TrainedVersion() {
  IndexVersionRecord version;
  version.version = "new";
  version.lists = 64;
  version.target_recall = 0.9;
  version.recall = {{1, 0.50, 0.01, 0.48, 160},
                    {2, 0.70, 0.02, 0.68, 160},
                    {4, 0.96, 0.04, 0.95, 160},
                    {8, 1.00, 0.08, 0.99, 160}};
  return version;
}

RecallMeasure Serving(double share, double recall) {
  return {3, recall, share, recall - 0.01, 160};
}

TEST(Promotion, TheMeasureAtTheTargetIsInterpolatedOnTheCurve) {
  IndexVersionRecord version = TrainedVersion();
  // The goal of 0.9 is 0.92: reached by the lower end between 2 and 4 lists.
  const RecallMeasure measure = MeasureAtTarget(version, 0.9);
  EXPECT_EQ(measure.nprobe, 4u);
  EXPECT_DOUBLE_EQ(measure.recall_at_10, 0.96);
  EXPECT_DOUBLE_EQ(measure.scanned_share, 0.04);
  version.recall[3].nprobe = 20;
  version.lists = 20;
  const RecallMeasure between = MeasureAtTarget(version, 0.95);  // goal 0.96: a quarter of the way
  EXPECT_EQ(between.nprobe, 8u);
  EXPECT_NEAR(between.recall_at_10, 0.97, 1e-9);
  EXPECT_NEAR(between.scanned_share, 0.05, 1e-9);
  version.recall.clear();
  EXPECT_EQ(MeasureAtTarget(version, 0.9).recall_at_10, 0);
}

TEST(Promotion, OnlyTheCurveOfTheChosenDepthCounts) {
  IndexVersionRecord version = TrainedVersion();
  version.recall.resize(2);
  version.recall.push_back({1, 0.80, 0.01, 0.78, 400});
  version.recall.push_back({2, 0.95, 0.02, 0.94, 400});
  const RecallMeasure measure = MeasureAtTarget(version, 0.9);
  EXPECT_EQ(measure.refine, 400u);
  EXPECT_EQ(measure.nprobe, 2u);
  EXPECT_DOUBLE_EQ(measure.recall_at_10, 0.95);
  EXPECT_DOUBLE_EQ(CompareRecall(version, "old", Serving(0.01, 0.7)).recall_gain, 0.80 - 0.7);
}

TEST(Promotion, TheGainIsOfRecallForTheSameShareScanned) {
  const RecallComparison better = CompareRecall(TrainedVersion(), "old", Serving(0.03, 0.80));
  EXPECT_EQ(better.serving_version, "old");
  EXPECT_DOUBLE_EQ(better.target_recall, 0.9);
  EXPECT_NEAR(better.recall_gain, 0.83 - 0.80, 1e-9) << "half-way between 2 and 4 lists";
  EXPECT_NEAR(better.tolerance, 0.01, 1e-9);
  EXPECT_NEAR(CompareRecall(TrainedVersion(), "old", Serving(0.005, 0.20)).recall_gain, 0.05, 1e-9)
      << "below the curve: half of what one list finds";
  EXPECT_NEAR(CompareRecall(TrainedVersion(), "old", Serving(0.5, 0.99)).recall_gain, 0.01, 1e-9)
      << "above it: the last";
  EXPECT_DOUBLE_EQ(CompareRecall(TrainedVersion(), "old", RecallMeasure()).recall_gain,
                   MeasureAtTarget(TrainedVersion(), 0.9).recall_at_10)
      << "all of it where the old one does not serve";
}

TEST(Promotion, WhatMeasuredNoWorseThanChanceExplainsServes) {
  RecallComparison comparison;
  comparison.tolerance = 0.01;
  comparison.recall_gain = -0.009;
  EXPECT_EQ(WhyNotPromoted({}, &comparison), "");
  comparison.recall_gain = -0.011;
  EXPECT_THAT(WhyNotPromoted({}, &comparison), HasSubstr("-0.0110"));
  EXPECT_EQ(WhyNotPromoted({}, nullptr), "") << "nothing else serves";
}

TEST(Promotion, TheLeastGainThatWasAskedForTakesThePlaceOfTheTolerance) {
  PromotionRule rule;
  rule.recall_gain_min = 0.02;
  RecallComparison comparison;
  comparison.tolerance = 0.5;
  comparison.recall_gain = 0.019;
  EXPECT_NE(WhyNotPromoted(rule, &comparison), "");
  comparison.recall_gain = 0.02;
  EXPECT_EQ(WhyNotPromoted(rule, &comparison), "");
  rule.when = PromotionRule::When::kByHand;
  EXPECT_NE(WhyNotPromoted(rule, &comparison), "");
  EXPECT_NE(WhyNotPromoted(rule, nullptr), "");
}

CollectionRecord ServingOld() {
  CollectionRecord record;
  IndexVersionRecord old;
  old.version = "old";
  EXPECT_EQ(PublishVersion(record, old, {}), "") << "nothing served before";
  EXPECT_EQ(record.serving_version, "old");
  return record;
}

TEST(Promotion, APublishedVersionServesOrWaits) {
  CollectionRecord record = ServingOld();
  IndexVersionRecord trained = TrainedVersion();
  trained.comparison = {"old", 0.9, {}, {}, -0.5, 0.01};
  EXPECT_NE(PublishVersion(record, trained, {}), "");
  EXPECT_EQ(record.serving_version, "old");
  EXPECT_EQ(record.versions.size(), 2u);
  trained.comparison->recall_gain = 0.1;
  EXPECT_EQ(PublishVersion(record, trained, {}), "");
  EXPECT_EQ(record.serving_version, "new");
  EXPECT_EQ(record.previous_version, "old");
}

TEST(Promotion, WhatWasPromotedByHandMeanwhileIsNotOverruled) {
  CollectionRecord record = ServingOld();
  IndexVersionRecord trained = TrainedVersion();
  trained.comparison = {"older", 0.9, {}, {}, 0.5, 0.01};
  EXPECT_THAT(PublishVersion(record, trained, {}), HasSubstr("old was promoted"));
  EXPECT_EQ(record.serving_version, "old");
  trained.comparison.reset();
  EXPECT_NE(PublishVersion(record, trained, {}), "") << "it was not measured against this one";
}

}  // namespace
}  // namespace kith::coordinator
