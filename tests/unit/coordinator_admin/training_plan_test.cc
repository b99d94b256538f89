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

// Of so many points, on nodes of any size.
absl::StatusOr<TrainingPlan> Planned(const CollectionRecord& record, const IndexChoice& choice,
                                     uint64_t points) {
  return PlanTraining(record, choice, {points, {}});
}

TEST(PlanTraining, RefusesFewerPointsThanACodeBookHasWords) {
  for (const uint64_t points : {0, 1, 255}) {
    const auto plan = Planned(Record(), {}, points);
    EXPECT_EQ(plan.status().code(), absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(ReasonOf(plan.status()), reason::kTooFewPoints);
    EXPECT_THAT(std::string(plan.status().message()),
                ::testing::AllOf(::testing::HasSubstr(std::to_string(points) + " points"),
                                 ::testing::HasSubstr("at least 256")));
  }
  EXPECT_TRUE(Planned(Record(), {}, 256).ok());
}

TEST(PlanTraining, RefusesMoreListsThanPoints) {
  IndexChoice choice;
  choice.lists = 5000;
  const auto plan = Planned(Record(), choice, 4999);
  EXPECT_EQ(ReasonOf(plan.status()), reason::kTooFewPoints);
  EXPECT_THAT(std::string(plan.status().message()), ::testing::HasSubstr("at least 5000"));
  ASSERT_TRUE(Planned(Record(), choice, 5000).ok());
  EXPECT_EQ(Planned(Record(), choice, 5000)->lists, 5000u);
}

TEST(PlanTraining, AutomaticListsAreAlwaysPossible) {
  for (uint64_t points = 256; points < 3'000'000; points += points / 7 + 1) {
    const auto plan = Planned(Record(), {}, points);
    ASSERT_TRUE(plan.ok()) << points;
    EXPECT_GE(plan->sample, std::max<uint64_t>(256, plan->lists)) << points;
    EXPECT_LE(plan->sample + plan->held_out, points) << points;
    EXPECT_LE(plan->held_out, kHeldOutMax);
  }
}

TEST(PlanTraining, ATenthIsHeldOutUpToAThousand) {
  EXPECT_EQ(Planned(Record(), {}, 5000)->held_out, 500u);
  EXPECT_EQ(Planned(Record(), {}, 1'000'000)->held_out, 1000u);
  EXPECT_EQ(Planned(Record(), {}, 300)->held_out, 0u) << "too few to tell anything";
}

TEST(PlanTraining, FewerAreHeldOutWhereComparingThemExactlyWouldTakeHours) {
  EXPECT_EQ(Planned(Record(), {}, 10'000'000)->held_out, 156u);
  EXPECT_EQ(Planned(Record(), {}, 1'000'000'000)->held_out, 100u);
}

TEST(PlanTraining, TheSampleFitsInMemoryAndInAMessage) {
  CollectionRecord wide = Record();
  wide.dimension = 4096;
  const auto plan = Planned(wide, {}, 1'000'000'000);
  EXPECT_LE(plan->sample * 4096 * 4, uint64_t{4} << 30);
  EXPECT_GE(plan->sample, plan->lists);
}

TEST(PlanTraining, ZeroFieldsKeepTheRecordsAndOthersWin) {
  CollectionRecord record = Record();
  record.lists = 512;
  record.subspaces = 8;
  EXPECT_EQ(Planned(record, {}, 10'000)->lists, 512u);
  EXPECT_EQ(Planned(record, {}, 10'000)->subspaces, 8u);
  IndexChoice choice{64, 32, 40, 0.99};
  const auto plan = Planned(record, choice, 10'000);
  EXPECT_EQ(plan->lists, 64u);
  EXPECT_EQ(plan->subspaces, 32u);
  EXPECT_EQ(plan->plane_b_bytes, 40u);
  EXPECT_EQ(Planned(record, {}, 10'000)->plane_b_bytes, record.dimension);
  record.plane_b_bytes = 24;
  EXPECT_EQ(Planned(record, {}, 10'000)->plane_b_bytes, 24u);
  EXPECT_DOUBLE_EQ(plan->target_recall, 0.99);
}

TEST(PlanTraining, WhatIsLeftOpenFitsTheMemoryOfTheNodes) {
  CollectionRecord record = Record();
  record.element_type = ElementType::kU8;
  index::NodeShare node{.points = 1'000'000, .memory_bytes = 500'000'000, .trains = true};
  const auto full = PlanTraining(record, {}, {1'000'000, {node}});
  EXPECT_EQ(full->plane_b_bytes, 128u);
  EXPECT_EQ(full->chosen.size(), 3u);
  node.memory_bytes = 300'000'000;
  const auto packed = PlanTraining(record, {}, {1'000'000, {node}});
  EXPECT_EQ(packed->plane_b_bytes, 64u);
  EXPECT_EQ(packed->subspaces, 16u);
  EXPECT_EQ(packed->lists, full->lists);
  IndexChoice asked;
  asked.plane_b_bytes = 100;
  EXPECT_EQ(PlanTraining(record, asked, {1'000'000, {node}})->plane_b_bytes, 100u);
}

TEST(PlanTraining, ListsAreForThePointsThatTheCollectionExpects) {
  CollectionRecord record = Record();
  record.expected_points = 10'000'000;
  EXPECT_EQ(Planned(record, {}, 1'000'000)->lists, index::AutoLists(10'000'000));
  EXPECT_EQ(Planned(record, {}, 20'000'000)->lists, index::AutoLists(20'000'000)) << "outgrown";
  IndexChoice choice;
  choice.expected_points = 1'000'000;
  EXPECT_EQ(Planned(record, choice, 1'000'000)->lists, index::AutoLists(1'000'000));
  const auto early = Planned(record, {}, 100'000);
  ASSERT_TRUE(early.ok());
  EXPECT_LT(early->lists, index::AutoLists(10'000'000));
  EXPECT_THAT(early->chosen, ::testing::Contains(::testing::HasSubstr("train again when")));
  EXPECT_LE(early->sample + early->held_out, 100'000u);
}

}  // namespace
}  // namespace kith::coordinator
