// How codes and tables lie on a card: every lane meets its own codes and no other lane's bank.
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <set>
#include <vector>

#include "index/gpu/card_plan.h"
#include "index/gpu/group_packing.h"
#include "index/gpu/scan_shape.h"
#include "index/gpu/tile_schedule.h"

namespace kith::index::gpu {
namespace {

TEST(ScanShapeTest, Every_length_of_plane_a_fits_one_or_two_tables) {
  for (uint32_t m = 1; m <= kSubspacesMax; ++m) {
    const ScanShape shape = MakeScanShape(m);
    EXPECT_GE(shape.padded(), m);
    EXPECT_LT(shape.padded(), m + 4 * shape.parts) << m;
    EXPECT_LE(shape.part_subspaces(), kPartSubspacesMax);
    EXPECT_EQ(shape.parts, m <= 32 ? 1u : 2u);
    // Groups follow one another at 16 bytes, which is what a lane reads at once.
    EXPECT_EQ(shape.group_bytes() % 16, 0u);
  }
}

TEST(ScanShapeTest, At_every_step_of_every_length_up_to_32_each_lane_has_a_bank_of_its_own) {
  std::mt19937 random(1);
  for (uint32_t m = 1; m <= 32; ++m) {
    for (uint32_t step = 0; step < m; ++step) {
      std::set<uint32_t> banks;
      for (uint32_t lane = 0; lane < 32; ++lane) {
        const uint32_t code = random() % kCodes;
        const uint32_t word = TableWord(0, code, lane + step);
        // The word holds the entry of the sub-quantizer whose code the lane has at this step.
        EXPECT_EQ((word % kTableStride) % m, SkewedSubspace(lane, step, m));
        banks.insert(word % 32);
      }
      EXPECT_EQ(banks.size(), 32u) << m << " " << step;
    }
  }
}

TEST(ScanShapeTest, Each_code_of_a_group_has_a_byte_of_its_own) {
  for (uint32_t m = 1; m <= kSubspacesMax; ++m) {
    const ScanShape shape = MakeScanShape(m);
    std::set<uint32_t> words;
    for (uint32_t part = 0; part < shape.parts; ++part) {
      for (uint32_t word = 0; word < shape.words; ++word) {
        for (uint32_t lane = 0; lane < 32; ++lane) {
          const uint32_t at = CodeWordOffset(shape, part, word, lane);
          EXPECT_LT(at * 2, BiasOffset(shape, 0));
          EXPECT_TRUE(words.insert(at).second) << m;
        }
      }
    }
    EXPECT_EQ(words.size() * 4, 32 * shape.padded());
    EXPECT_EQ((BiasOffset(shape, 31) + 1) * 2, shape.group_bytes());
  }
}

TEST(GroupPackingTest, A_packed_group_gives_every_lane_its_codes_in_skewed_order) {
  std::mt19937 random(2);
  for (const uint32_t m : {1u, 5u, 16u, 20u, 24u, 31u, 32u, 33u, 63u, 64u}) {
    for (const uint32_t vectors : {0u, 1u, 31u, 32u}) {
      const ScanShape shape = MakeScanShape(m);
      std::vector<uint8_t> plane_a(vectors * m);
      std::vector<uint16_t> bias(vectors);
      for (uint8_t& code : plane_a) code = static_cast<uint8_t>(random());
      for (uint16_t& one : bias) one = static_cast<uint16_t>(random());
      std::vector<uint8_t> group(shape.group_bytes(), 0xa5);
      PackGroup(shape, {plane_a, bias}, group.data());
      for (uint32_t lane = 0; lane < 32; ++lane) {
        for (uint32_t i = 0; i < shape.padded(); ++i) {
          const uint32_t part = i / shape.part_subspaces();
          const uint32_t step = i % shape.part_subspaces();
          const uint32_t at = CodeWordOffset(shape, part, step / 4, lane) * 4 + step % 4;
          const uint32_t of =
              part * shape.part_subspaces() + SkewedSubspace(lane, step, shape.part_subspaces());
          const uint8_t expected = lane < vectors && of < m ? plane_a[lane * m + of] : 0;
          ASSERT_EQ(group[at], expected) << m << " lane " << lane << " step " << i;
        }
        uint16_t packed;
        std::memcpy(&packed, &group[BiasOffset(shape, lane) * 2], 2);
        EXPECT_EQ(packed, lane < vectors ? bias[lane] : 0);
      }
    }
  }
}

TEST(OrderTest, Orders_sort_as_the_floats_do_and_come_back) {
  const float values[] = {
      -std::numeric_limits<float>::infinity(), -2.5f, -1e-40f, 0.0f, 1e-40f, 1.0f, 3e38f,
      std::numeric_limits<float>::infinity()};
  uint32_t before = 0;
  for (const float value : values) {
    const uint32_t order = OrderOfBits(std::bit_cast<uint32_t>(value));
    EXPECT_GT(order, before) << value;
    EXPECT_EQ(std::bit_cast<float>(BitsOfOrder(order)), value);
    before = order;
  }
  EXPECT_EQ(OrderOfBits(std::bit_cast<uint32_t>(-0.0f)), OrderOfBits(0));
}

TEST(TileScheduleTest, The_rounds_of_a_query_cover_each_probe_once) {
  for (const float stop : {1.25f, std::numeric_limits<float>::infinity()}) {
    for (const uint32_t nprobe : {1u, 3u, 4u, 5u, 64u, 1000u}) {
      QueryRecord record;
      record.nprobe = nprobe;
      record.stop_ratio = stop;
      uint32_t covered = 0;
      for (uint32_t round = 0; !ListsOfRound(record, round).is_empty(); ++round) {
        const ListRange lists = ListsOfRound(record, round);
        EXPECT_EQ(lists.begin, covered);
        covered = lists.end;
      }
      EXPECT_EQ(covered, nprobe);
    }
  }
}

TEST(TileScheduleTest, The_shares_of_all_warps_are_all_tiles) {
  for (const uint32_t tiles : {0u, 1u, 7u, 100u}) {
    for (const uint32_t units : {1u, 3u, 8u, 200u}) {
      uint32_t next = 0;
      for (uint32_t unit = 0; unit < units; ++unit) {
        const TileShare share = ShareOf(tiles, unit, units);
        EXPECT_EQ(share.begin, next);
        next = share.end;
      }
      EXPECT_EQ(next, tiles);
    }
  }
}

TEST(TileScheduleTest, A_tile_belongs_to_the_last_item_that_begins_with_or_before_it) {
  const uint32_t firsts[] = {0, 0, 3, 3, 3, 4, 9};  // items of 0, 3, 0, 0, 1 and 5 tiles
  const uint32_t expected[] = {1, 1, 1, 4, 5, 5, 5, 5, 5};
  for (uint32_t tile = 0; tile < 9; ++tile) EXPECT_EQ(ItemOf(firsts, 6, tile), expected[tile]);
}

TEST(CardPlanTest, The_page_of_a_list_wastes_little_and_a_small_one_is_a_group) {
  EXPECT_EQ(PageVectors(1'000'000'000, 1 << 18), 64u);
  EXPECT_EQ(PageVectors(1'000'000, 4096), 32u);
  EXPECT_EQ(PageVectors(1'000'000'000, 1024), 1024u);
  EXPECT_EQ(PageVectors(0, 16), 32u);
}

TEST(CardPlanTest, A_card_that_is_too_small_is_told_by_how_much) {
  CardPlan plan;
  plan.codes = uint64_t{30} << 20;
  EXPECT_EQ(RoomFault(plan, uint64_t{30} << 20), "");
  const std::string fault = RoomFault(plan, uint64_t{20} << 20);
  EXPECT_NE(fault.find("it is 10 MB too small"), std::string::npos) << fault;
}

TEST(CardPlanTest, Shapes_outside_the_kernels_are_named) {
  IndexParameters parameters;
  parameters.dimension = 96;
  parameters.subspaces = 24;
  EXPECT_EQ(ShapeFault(parameters), "");
  parameters.subspaces = 65;
  EXPECT_NE(ShapeFault(parameters).find("65"), std::string::npos);
  parameters.subspaces = 24;
  parameters.dimension = 4097;
  EXPECT_NE(ShapeFault(parameters).find("4097"), std::string::npos);
  parameters.dimension = 96;
  parameters.plane_b = PlaneB::kPackedResidual;
  EXPECT_NE(ShapeFault(parameters).find("plane B"), std::string::npos);
}

}  // namespace
}  // namespace kith::index::gpu
