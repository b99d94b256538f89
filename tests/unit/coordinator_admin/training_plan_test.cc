#include "coordinator/admin/training/training_plan.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

CollectionRecord Record() {
  CollectionRecord record;
  record.name = "faces";
  record.dimension = 128;
  record.target_recall = 0.95;
  return record;
}

TEST(PlanTraining, RefusesFewerPointsThanACodeBookHasWords) {
  for (const uint64_t points : {0, 1, 255}) {
    const auto plan = PlanTraining(Record(), {}, points);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(plan.status()), reason::kTooFewPoints);
    EXPECT_THAT(std::string(plan.status().message()),
                ::testing::AllOf(::testing::HasSubstr(std::to_string(points) + " points"),
                                 ::testing::HasSubstr("at least 256")));
  }
  EXPECT_TRUE(PlanTraining(Record(), {}, 256).ok());
}

TEST(PlanTraining, RefusesMoreListsThanPoints) {
  IndexChoice choice;
  choice.lists = 5000;
  const auto plan = PlanTraining(Record(), choice, 4999);
  EXPECT_EQ(ReasonOf(plan.status()), reason::kTooFewPoints);
  EXPECT_THAT(std::string(plan.status().message()), ::testing::HasSubstr("at least 5000"));
  ASSERT_TRUE(PlanTraining(Record(), choice, 5000).ok());
  EXPECT_EQ(PlanTraining(Record(), choice, 5000)->lists, 5000u);
}

TEST(PlanTraining, AutomaticListsAreAlwaysPossible) {
  for (uint64_t points = 256; points < 3'000'000; points += points / 7 + 1) {
    const auto plan = PlanTraining(Record(), {}, points);
    ASSERT_TRUE(plan.ok()) << points;
    EXPECT_GE(plan->sample, std::max<uint64_t>(256, plan->lists)) << points;
    EXPECT_LE(plan->sample + plan->held_out, points) << points;
    EXPECT_LE(plan->held_out, kHeldOutMax);
  }
}

TEST(PlanTraining, ATenthIsHeldOutUpToAThousand) {
  EXPECT_EQ(PlanTraining(Record(), {}, 5000)->held_out, 500u);
  EXPECT_EQ(PlanTraining(Record(), {}, 1'000'000)->held_out, 1000u);
  EXPECT_EQ(PlanTraining(Record(), {}, 300)->held_out, 0u) << "too few to tell anything";
}

TEST(PlanTraining, FewerAreHeldOutWhereComparingThemExactlyWouldTakeHours) {
  EXPECT_EQ(PlanTraining(Record(), {}, 10'000'000)->held_out, 156u);
  EXPECT_EQ(PlanTraining(Record(), {}, 1'000'000'000)->held_out, 100u);
}

TEST(PlanTraining, TheSampleFitsInMemoryAndInAMessage) {
  CollectionRecord wide = Record();
  wide.dimension = 4096;
  const auto plan = PlanTraining(wide, {}, 1'000'000'000);
  EXPECT_LE(plan->sample * 4096 * 4, uint64_t{4} << 30);
  EXPECT_GE(plan->sample, plan->lists);
}

TEST(PlanTraining, ZeroFieldsKeepTheRecordsAndOthersWin) {
  CollectionRecord record = Record();
  record.lists = 512;
  record.subspaces = 8;
  EXPECT_EQ(PlanTraining(record, {}, 10'000)->lists, 512u);
  EXPECT_EQ(PlanTraining(record, {}, 10'000)->subspaces, 8u);
  IndexChoice choice{64, 32, 40, 0.99};
  const auto plan = PlanTraining(record, choice, 10'000);
  EXPECT_EQ(plan->lists, 64u);
  EXPECT_EQ(plan->subspaces, 32u);
  EXPECT_DOUBLE_EQ(plan->target_recall, 0.99);
}

}  // namespace
}  // namespace kith::coordinator
