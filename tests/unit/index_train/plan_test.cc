#include "index/plan.h"

#include <gtest/gtest.h>

#include <random>
#include <string>

#include "index/list_segment.h"

namespace kith::index {
namespace {

// A segment of `points` rows in random lists.
std::shared_ptr<const ListSegment> Built(const IndexParameters& parameters, uint32_t points) {
  IndexVersion version;
  version.parameters = parameters;
  std::mt19937 random(1);
  EncodedRows encoded;
  for (uint32_t row = 0; row < points; ++row) {
    encoded.rows.push_back(row);
    encoded.lists.push_back(random() % parameters.lists);
  }
  encoded.bias.resize(points);
  encoded.plane_a.resize(size_t{points} * parameters.subspaces);
  encoded.plane_b.resize(size_t{points} * parameters.plane_b_bytes);
  return ListSegment::FromEncoded(version, encoded);
}

TEST(PlanTest, BytesOfCodesAreThoseOfASegmentWithinThreePercent) {
  for (const auto& [dimension, lists, points, plane_b] :
       {std::tuple<uint32_t, uint32_t, uint32_t, uint32_t>{128, 1024, 60'000, 0},
        {128, 1024, 60'000, 64},
        {80, 4096, 400'000, 40},
        {80, 4096, 60'000, 80},
        {768, 256, 5000, 0},
        {20, 1024, 200'000, 4},
        {100, 4096, 400'000, 0},
        {512, 512, 20'000, 300},
        {4096, 16, 1000, 0}}) {
    SCOPED_TRACE("dimension " + std::to_string(dimension));
    IndexParameters parameters{.dimension = dimension, .lists = lists};
    parameters.subspaces = AutoSubspaces(dimension);
    SetPlaneB(plane_b, parameters);
    const auto segment = Built(parameters, points);
    const PlannedBytes planned = PlanBytes(parameters, points, 1);
    const uint64_t offsets = uint64_t{lists} * 2 * sizeof(uint64_t);
    const auto built =
        static_cast<double>(segment->code_bytes() + segment->refine_bytes() + offsets);
    EXPECT_NEAR(static_cast<double>(planned.codes + planned.refine), built, 0.03 * built);
    EXPECT_EQ(planned.refine, segment->refine_bytes());
  }
}

TEST(PlanTest, ATrainingIsPlannedByItsSampleAndNotByThePoints) {
  const IndexParameters parameters{.dimension = 100, .lists = 1000, .subspaces = 16};
  // Twice as stored.
  EXPECT_NEAR(static_cast<double>(TrainingBytes(parameters, 1'000'000)), 800e6, 0.15 * 800e6);
  EXPECT_EQ(TrainingBytes(parameters, 20'000) - TrainingBytes(parameters, 10'000), 8'800'000u);
  IndexParameters bytes = parameters;
  bytes.element_type = ElementType::kU8;
  EXPECT_EQ(TrainingBytes(bytes, 1'000'000), 280'000'000u) << "bytes stay bytes";
}

TEST(PlanTest, AutoParametersFollowTheMeasuredTable) {
  EXPECT_EQ(AutoLists(1'000'000), 4096u);
  EXPECT_EQ(AutoLists(10'000'000), 16'384u);
  EXPECT_EQ(AutoSubspaces(80), 16u);
  EXPECT_EQ(AutoSubspaces(128), 16u);
  EXPECT_EQ(AutoSubspaces(256), 32u);
  EXPECT_EQ(AutoSubspaces(768), 64u);
}

TEST(PlanTest, AStepOfEncodingIsBoundedInBytesAndInRows) {
  const auto rows = [](uint32_t dimension, uint32_t subspaces) {
    return EncodeStepRows(
        {.dimension = dimension, .lists = 16, .subspaces = subspaces, .plane_b_bytes = dimension});
  };
  EXPECT_EQ(rows(128, 16), 131'072u);
  EXPECT_EQ(rows(4, 2), 131'072u);
  EXPECT_LE(uint64_t{rows(768, 64)} * 2 * (768 + 64 + 10), kEncodeStepBytes);
  EXPECT_LE(uint64_t{rows(4096, 64)} * 2 * (4096 + 64 + 10), kEncodeStepBytes);
  EXPECT_GE(rows(4096, 64), 4096u);
}

TEST(PlanTest, ASecondVersionCountsTheMergeOfOneShardBesideItself) {
  const IndexParameters parameters{
      .dimension = 128, .lists = 4096, .subspaces = 16, .plane_b_bytes = 128};
  const PlannedBytes whole = PlanBytes(parameters, 4'000'000, 4);
  const uint64_t version = whole.codes + whole.refine + whole.quantizer;
  const uint64_t one_shard = (whole.codes + whole.refine) / 4;
  const uint64_t step = uint64_t{131'072} * 2 * (128 + 16 + 10);
  EXPECT_EQ(SecondVersionBytes(parameters, 4'000'000, 4), version + one_shard + step);
  // Of a large shard an eighth is merged at a time.
  const PlannedBytes large = PlanBytes(parameters, 80'000'000, 2);
  EXPECT_NEAR(static_cast<double>(SecondVersionBytes(parameters, 80'000'000, 2)),
              static_cast<double>((large.codes + large.refine) / 16 * 17 + large.quantizer + step),
              100);
  EXPECT_EQ(SecondVersionBytes({.dimension = 128}, 1000, 1), 0u) << "no lists, no version";
  EXPECT_LT(SecondVersionBytes({.dimension = 4, .lists = 16, .subspaces = 2, .plane_b_bytes = 4},
                               1000, 1),
            100'000u)
      << "a step encodes no more rows than there are";
}

TEST(PlanTest, PlaneBIsPackedWhereItHasFewerBytesThanDimensions) {
  IndexParameters parameters{.dimension = 80, .element_type = ElementType::kU8};
  SetPlaneB(0, parameters);
  EXPECT_EQ(parameters.plane_b, PlaneB::kRawU8);
  EXPECT_EQ(parameters.plane_b_bytes, 80u);
  SetPlaneB(40, parameters);
  EXPECT_EQ(parameters.plane_b, PlaneB::kPackedResidual);
  EXPECT_EQ(parameters.plane_b_bytes, 40u);
  SetPlaneB(80, parameters);
  EXPECT_EQ(parameters.plane_b, PlaneB::kRawU8);
  parameters.element_type = ElementType::kF32;
  SetPlaneB(80, parameters);
  EXPECT_EQ(parameters.plane_b, PlaneB::kResidual);
}

// The largest collection asked for: 250 million rows of 80 bytes, in 24 GB without the rows.
TEST(PlanTest, TheLargestCollectionFitsWithHalfAByteADimension) {
  IndexParameters parameters{.dimension = 80, .element_type = ElementType::kU8};
  parameters.lists = 1u << 16;
  parameters.subspaces = 20;
  SetPlaneB(40, parameters);
  const PlannedBytes bytes = PlanBytes(parameters, 250'000'000, 1);
  EXPECT_LT(bytes.total() - bytes.rows, 17'000'000'000u);
  EXPECT_EQ(bytes.refine, 10'000'000'000u);
}

}  // namespace
}  // namespace kith::index
