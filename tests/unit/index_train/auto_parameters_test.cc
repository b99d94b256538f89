#include "index/auto_parameters.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "index/auto_remedies.h"

namespace kith::index {
namespace {

constexpr uint64_t kGigabyte = 1'000'000'000;
constexpr uint64_t kMillion = 1'000'000;

AutoRequest Bytes80(uint64_t points) {
  return {.dimension = 80, .element_type = ElementType::kU8, .points = points};
}

// All of it on one node, which also trains.
NodeShare OneNode(uint64_t points, uint64_t memory_bytes) {
  return {.points = points, .memory_bytes = memory_bytes, .trains = true};
}

AutoChoice Choose(const AutoRequest& request, uint64_t memory_bytes) {
  const NodeShare share = OneNode(request.points, memory_bytes);
  return ChooseParameters(request, {&share, 1});
}

// How far down the ladder a choice stands: 0 is best.
uint32_t RungOf(const AutoRequest& request, const AutoChoice& choice) {
  uint32_t rung = 0;
  for (const Rung candidate : kRungs) {
    const IndexParameters shape = ShapeOf(request, candidate);
    if (shape.subspaces == choice.parameters.subspaces &&
        shape.plane_b_bytes == choice.parameters.plane_b_bytes) {
      return rung;
    }
    ++rung;
  }
  return rung;
}

TEST(AutoParametersTest, WithoutALimitEverythingIsAsIsBestForPointsAndDimension) {
  const AutoChoice choice = Choose(Bytes80(10 * kMillion), kUnlimitedBytes);
  EXPECT_EQ(choice.room, Room::kAgain);
  EXPECT_EQ(choice.parameters.lists, AutoLists(10 * kMillion));
  EXPECT_EQ(choice.parameters.subspaces, AutoSubspaces(80));
  EXPECT_EQ(choice.parameters.plane_b_bytes, 80u);
  EXPECT_EQ(choice.parameters.plane_b, PlaneB::kRawU8);
  EXPECT_EQ(choice.sample, SamplePoints(10 * kMillion, choice.parameters.lists));
}

// 100 and more bytes a point in full, about 62 with half of plane B; twice as much and a part of it
// while it is trained again.
TEST(AutoParametersTest, LessMemoryGivesUpPlaneBThenSubspacesThenTheNextTraining) {
  struct Row {
    uint64_t millions;
    uint64_t gigabytes;
    Room room;
    uint32_t rung;
  };
  for (const Row& row : std::vector<Row>{{100, 64, Room::kAgain, 0},
                                         {100, 24, Room::kAgain, 0},
                                         {150, 24, Room::kAgain, 1},
                                         {190, 24, Room::kAgain, 2},
                                         {200, 24, Room::kAgain, 3},
                                         {250, 24, Room::kOnce, 1},
                                         {250, 64, Room::kAgain, 0},
                                         {400, 24, Room::kNone, 3},
                                         {1000, 256, Room::kAgain, 0},
                                         {1000, 64, Room::kOnce, 3},
                                         {1000, 48, Room::kNone, 3}}) {
    SCOPED_TRACE(std::to_string(row.millions) + " million at " + std::to_string(row.gigabytes));
    const AutoRequest request = Bytes80(row.millions * kMillion);
    const AutoChoice choice = Choose(request, row.gigabytes * kGigabyte);
    EXPECT_EQ(choice.room, row.room);
    EXPECT_EQ(RungOf(request, choice), row.rung);
  }
}

TEST(AutoParametersTest, WhatIsChosenFitsAsItsRoomSays) {
  std::mt19937_64 random(3);
  const auto between = [&](uint64_t low, uint64_t high) { return low + random() % (high - low); };
  for (int i = 0; i < 2000; ++i) {
    AutoRequest request;
    request.dimension = static_cast<uint32_t>(between(1, 4097));
    request.element_type = static_cast<ElementType>(between(1, 4));
    request.metric = static_cast<Metric>(between(1, 4));
    request.points = between(1, uint64_t{1} << between(1, 33));
    const uint64_t memory = uint64_t{1} << between(10, 42);
    const AutoChoice choice = Choose(request, memory);
    const IndexParameters& p = choice.parameters;
    SCOPED_TRACE(std::to_string(request.points) + " points of " + std::to_string(p.dimension));
    EXPECT_EQ(ParameterFault(p), "");
    const NodeNeed need = NeedOf(p, OneNode(request.points, memory), choice.sample);
    EXPECT_EQ(need.rebuild <= memory, choice.room == Room::kAgain);
    EXPECT_EQ(need.build <= memory, choice.room != Room::kNone);
    EXPECT_EQ(choice.short_bytes() == 0, choice.room != Room::kNone);
    EXPECT_GE(need.build, need.steady);
    const AutoChoice roomier = Choose(request, 2 * memory);
    EXPECT_LE(roomier.room, choice.room) << "more memory never makes it worse";
    if (roomier.room == choice.room) {
      EXPECT_LE(RungOf(request, roomier), RungOf(request, choice));
      EXPECT_GE(roomier.parameters.lists, choice.parameters.lists);
    }
  }
}

TEST(AutoParametersTest, ParametersThatWereAskedForAreKeptWhateverTheMemory) {
  AutoRequest request = Bytes80(100 * kMillion);
  request.lists = 777;
  request.subspaces = 40;
  request.plane_b_bytes = 60;
  for (const uint64_t memory : {uint64_t{0}, kGigabyte, 16 * kGigabyte, kUnlimitedBytes}) {
    const AutoChoice choice = Choose(request, memory);
    EXPECT_EQ(choice.parameters.lists, 777u);
    EXPECT_EQ(choice.parameters.subspaces, 40u);
    EXPECT_EQ(choice.parameters.plane_b_bytes, 60u);
    EXPECT_EQ(choice.parameters.plane_b, PlaneB::kPackedResidual);
  }
  request.plane_b_bytes = 0;
  EXPECT_EQ(Choose(request, 20 * kGigabyte).parameters.plane_b_bytes, 40u) << "this is left open";
}

TEST(AutoParametersTest, FewerListsWhereTheTrainingOfSoManyIsWhatLacksRoom) {
  // A small share of a large collection trains as large a sample as the others.
  AutoRequest request{.dimension = 768, .points = 1000 * kMillion};
  request.sample_most = 1'398'101;
  NodeShare trainer{.points = 100'000, .memory_bytes = 8 * kGigabyte, .trains = true};
  const AutoChoice choice = ChooseParameters(request, {&trainer, 1});
  EXPECT_EQ(choice.room, Room::kAgain);
  EXPECT_LT(choice.parameters.lists, AutoLists(request.points));
  EXPECT_EQ(choice.parameters.plane_b_bytes, 768u) << "that is not what takes the memory";
  trainer.trains = false;
  EXPECT_EQ(ChooseParameters(request, {&trainer, 1}).parameters.lists, AutoLists(request.points));
}

TEST(AutoParametersTest, ListsAreForThePointsExpectedAsFarAsThereAreAnyToTrainOn) {
  AutoRequest request = Bytes80(100 * kMillion);
  request.points_to_train = 50 * kMillion;
  EXPECT_EQ(WantedLists(request), AutoLists(100 * kMillion));
  request.points_to_train = kMillion;
  EXPECT_EQ(WantedLists(request), 32'768u) << "30 points a list";
  request.points_to_train = 1000;
  EXPECT_EQ(WantedLists(request), AutoLists(1000)) << "as for those that are there";
  request.points = 1000;
  EXPECT_EQ(WantedLists(request), AutoLists(1000));
}

TEST(AutoParametersTest, TheTightestNodeDecides) {
  const AutoRequest request = Bytes80(20 * kMillion);
  std::vector<NodeShare> nodes(3, OneNode(kMillion, 100 * kGigabyte));
  EXPECT_EQ(ChooseParameters(request, nodes).parameters.plane_b_bytes, 80u);
  nodes[1] = OneNode(18 * kMillion, 3 * kGigabyte);
  const AutoChoice choice = ChooseParameters(request, nodes);
  EXPECT_EQ(choice.parameters.plane_b_bytes, 40u);
  EXPECT_EQ(choice.memory_bytes, 3 * kGigabyte);
  nodes[1].memory_bytes = kMillion;
  EXPECT_EQ(ChooseParameters(request, nodes).room, Room::kNone);
}

TEST(AutoParametersTest, BordersAreAnsweredWithoutOverflow) {
  EXPECT_EQ(Choose(Bytes80(0), kGigabyte).room, Room::kAgain);
  EXPECT_EQ(Choose(Bytes80(0), 0).room, Room::kNone) << "the quantizers alone take some";
  const AutoChoice one = Choose({.dimension = 1, .points = kMillion}, 20 * kMillion);
  EXPECT_EQ(one.parameters.subspaces, 1u);
  EXPECT_EQ(one.parameters.plane_b_bytes, 1u) << "there is nothing to pack";
  EXPECT_EQ(ParameterFault(one.parameters), "");
  for (const uint64_t points : {uint64_t{1} << 46, uint64_t{1} << 63, kUnlimitedBytes}) {
    AutoRequest request{.dimension = kMaxDimension, .points = points};
    const AutoChoice choice = Choose(request, uint64_t{1} << 50);
    EXPECT_EQ(choice.room, Room::kNone);
    EXPECT_EQ(choice.parameters.lists, 1u << 18);
    EXPECT_GT(choice.rebuild_bytes, choice.build_bytes);
    EXPECT_GT(choice.short_bytes(), uint64_t{1} << 50);
  }
  EXPECT_EQ(ChooseParameters(Bytes80(kMillion), {}).room, Room::kAgain) << "no node is too small";
}

TEST(AutoRemediesTest, EachRemedyThatIsNamedFits) {
  const AutoRequest request = Bytes80(400 * kMillion);
  const NodeShare share = OneNode(400 * kMillion, 24 * kGigabyte);
  const AutoChoice choice = ChooseParameters(request, {&share, 1});
  ASSERT_EQ(choice.room, Room::kNone);
  EXPECT_NE(Choose(request, 24 * kGigabyte + choice.short_bytes()).room, Room::kNone);
  EXPECT_EQ(Choose(request, 24 * kGigabyte + choice.short_bytes() - 1).room, Room::kNone);
  const uint64_t points = PointsThatFit(request, share);
  EXPECT_NE(Choose(Bytes80(points), share.memory_bytes).room, Room::kNone);
  EXPECT_EQ(Choose(Bytes80(points + points / 50), share.memory_bytes).room, Room::kNone);
  EXPECT_EQ(NodeFactorThatFits(request, share, 256), 2u);
  AutoRequest smaller = request;
  smaller.dimension = DimensionThatFits(request, share);
  EXPECT_GT(smaller.dimension, 40u);
  EXPECT_LT(smaller.dimension, 80u);
  EXPECT_NE(Choose(smaller, share.memory_bytes).room, Room::kNone);
}

TEST(AutoRemediesTest, WhatCannotHelpIsNotNamed) {
  const AutoRequest request = Bytes80(400 * kMillion);
  const NodeShare none = OneNode(400 * kMillion, 0);
  EXPECT_EQ(PointsThatFit(request, none), 0u);
  EXPECT_EQ(DimensionThatFits(request, none), 0u);
  EXPECT_EQ(NodeFactorThatFits(request, none, 256), 0u);
}

}  // namespace
}  // namespace kith::index
