#include "coordinator/search/recall_window.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace kith::coordinator {
namespace {

TEST(RecallWindowTest, NothingIsKnownWithoutASample) {
  const RecallEstimate none = EstimateRecall({});
  EXPECT_EQ(none.samples, 0u);
  EXPECT_EQ(none.low, 0);
  EXPECT_EQ(none.high, 1);
}

TEST(RecallWindowTest, TheIntervalOfIndependentNeighboursIsWilsons) {
  // 80 of 100 found, one neighbour a query: Wilson's interval is [0.7112, 0.8666].
  std::vector<RecallSample> samples(100, {1, 1});
  for (size_t i = 0; i < 20; ++i) samples[i].found = 0;
  const RecallEstimate estimate = EstimateRecall(samples);
  EXPECT_DOUBLE_EQ(estimate.ratio, 0.8);
  EXPECT_NEAR(estimate.low, 0.7112, 0.001);
  EXPECT_NEAR(estimate.high, 0.8666, 0.001);
}

TEST(RecallWindowTest, AllFoundIsStillNotCertain) {
  const RecallEstimate estimate = EstimateRecall(std::vector<RecallSample>(50, {10, 10}));
  EXPECT_EQ(estimate.ratio, 1);
  EXPECT_NEAR(estimate.low, 500 / (500 + 3.8415), 1e-4);
  EXPECT_EQ(estimate.high, 1);
}

TEST(RecallWindowTest, NeighboursThatAreMissedTogetherCountForLess) {
  // The same 90 %: spread evenly, and all misses in every tenth query.
  const std::vector<RecallSample> even(100, {9, 10});
  std::vector<RecallSample> together(100, {10, 10});
  for (size_t i = 0; i < 100; i += 10) together[i].found = 0;
  const RecallEstimate narrow = EstimateRecall(even);
  const RecallEstimate wide = EstimateRecall(together);
  EXPECT_DOUBLE_EQ(narrow.ratio, wide.ratio);
  // A hundred trials instead of a thousand.
  EXPECT_NEAR(wide.low, 0.8256, 0.003);
  EXPECT_NEAR(narrow.low, 0.8798, 0.001);
}

TEST(RecallWindowTest, OneQueryIsOneTrialHoweverDeepItLooks) {
  const RecallEstimate estimate = EstimateRecall({{100, 100}});
  EXPECT_NEAR(estimate.low, 1 / (1 + 3.8415), 1e-4);
}

TEST(RecallWindowTest, TheIntervalHoldsTheTruthAsOftenAsItSays) {
  // Queries of differing difficulty: recall of each drawn between 0.8 and 1, ten neighbours each.
  std::mt19937 random(5);
  std::uniform_real_distribution<double> difficulty(0.8, 1.0);
  int held = 0;
  for (int trial = 0; trial < 1000; ++trial) {
    std::vector<RecallSample> samples;
    for (int q = 0; q < 60; ++q) {
      std::binomial_distribution<uint32_t> found(10, difficulty(random));
      samples.push_back({found(random), 10});
    }
    const RecallEstimate estimate = EstimateRecall(samples);
    held += estimate.low <= 0.9 && 0.9 <= estimate.high ? 1 : 0;
  }
  EXPECT_GE(held, 930);
}

TEST(RecallWindowTest, TheWindowForgetsTheOldest) {
  RecallWindow window(3);
  for (const uint32_t found : {0u, 0u, 5u, 10u, 10u}) window.Add({found, 10});
  EXPECT_EQ(window.Estimate().samples, 3u);
  EXPECT_DOUBLE_EQ(window.Estimate().ratio, 25.0 / 30);
  window.Add({10, 10});
  EXPECT_DOUBLE_EQ(window.Estimate().ratio, 1) << "the 5 is gone now";
}

}  // namespace
}  // namespace kith::coordinator
