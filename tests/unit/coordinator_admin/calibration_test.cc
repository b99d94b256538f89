#include "coordinator/admin/training/calibration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace kith::coordinator {
namespace {

TEST(NprobeLadder, GrowsByHalvesAndEndsAtAllLists) {
  EXPECT_THAT(NprobeLadder(40), ::testing::ElementsAre(1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 40));
  EXPECT_THAT(NprobeLadder(1), ::testing::ElementsAre(1));
  EXPECT_THAT(NprobeLadder(2), ::testing::ElementsAre(1, 2));
  EXPECT_THAT(NprobeLadder(32), ::testing::ElementsAre(1, 2, 3, 4, 6, 8, 12, 16, 24, 32));
  EXPECT_EQ(NprobeLadder(1u << 18).back(), 1u << 18);
}

TEST(EffortLadder, GoesFromTheLeastWorkToAllThatTheShardsMayLookAtTogether) {
  using Ladder = std::vector<SearchEffort>;
  EXPECT_EQ(EffortLadder(1, Metric::kL2),
            (Ladder{{80, 1.25}, {160, 1.25}, {160, 1.5}, {400, 1.5}, {160, 0}, {400, 0}}));
  EXPECT_EQ(EffortLadder(4, Metric::kCosine),
            (Ladder{{50, 1.25}, {100, 1.25}, {100, 1.5}, {100, 0}}));
}

TEST(EffortLadder, StopsNowhereUnderInnerProduct) {
  EXPECT_EQ(EffortLadder(2, Metric::kInnerProduct),
            (std::vector<SearchEffort>{{160, 0}, {200, 0}}));
}

TEST(Summarise, GivesTheMeanAndTheLowerEndOfItsInterval) {
  std::vector<double> recalls(50, 1.0);
  recalls.insert(recalls.end(), 50, 0.8);
  const RecallMeasure measure = Summarise(recalls);
  EXPECT_NEAR(measure.recall_at_10, 0.9, 1e-9);
  EXPECT_NEAR(measure.recall_low, 0.9 - 1.96 * 0.1 / 10, 1e-9);
}

TEST(Summarise, NeverClaimsMoreThanTheNumberOfQueriesCanTell) {
  EXPECT_NEAR(Summarise(std::vector<double>(1000, 1.0)).recall_low, 0.9997, 1e-9);
  EXPECT_NEAR(Summarise(std::vector<double>(10, 1.0)).recall_low, 0.97, 1e-9);
}

TEST(Summarise, OfNoQueriesIsZero) { EXPECT_EQ(Summarise({}).recall_low, 0); }

}  // namespace
}  // namespace kith::coordinator
