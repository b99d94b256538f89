#include "index/list_segment.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <vector>

#include "tests/support/memory_rows.h"
#include "tests/unit/index_search/fabricated_index.h"

namespace kith::index {
namespace {

using ::testing::ElementsAre;

// Neither the dimension nor the sub-spaces.
constexpr uint32_t kPlaneB = 6;

class ListSegmentTest : public ::testing::Test {
 protected:
  ListSegmentTest()
      : version_(NoiseVersion({.dimension = 9,
                               .lists = 7,
                               .subspaces = 5,
                               .plane_b = PlaneB::kPackedResidual,
                               .plane_b_bytes = kPlaneB},
                              random_)) {}

  std::shared_ptr<const ListSegment> Pack(const std::vector<uint32_t>& rows) {
    const EncodedRows encoded = NoiseCodes(*version_, RowTable{}, rows, random_);
    Remember(encoded);
    return ListSegment::FromEncoded(*version_, encoded);
  }

  // What each row was encoded as.
  struct Codes {
    uint32_t list;
    uint16_t bias;
    std::vector<uint8_t> plane_a;
    std::vector<uint8_t> plane_b;
  };
  void Remember(const EncodedRows& encoded) {
    for (size_t i = 0; i < encoded.rows.size(); ++i) {
      const auto a = encoded.plane_a.begin() + static_cast<ptrdiff_t>(i * 5);
      const auto b = encoded.plane_b.begin() + static_cast<ptrdiff_t>(i * kPlaneB);
      codes_[encoded.rows[i]] = {encoded.lists[i], encoded.bias[i], {a, a + 5}, {b, b + kPlaneB}};
    }
    sides_.insert(sides_.end(), encoded.side_rows.begin(), encoded.side_rows.end());
    std::sort(sides_.begin(), sides_.end());
  }
  // Every list of `segment` holds exactly the remembered rows of it for which `live` holds,
  // ascending.
  template <typename Live>
  void ExpectHolds(const ListSegment& segment, Live live) {
    uint64_t rows = 0;
    for (uint32_t number = 0; number < version_->lists(); ++number) {
      ListSegment::CanonicalList expected;
      for (const auto& [row, codes] : codes_) {
        if (codes.list != number || !live(row)) continue;
        expected.rows.push_back(row);
        expected.bias.push_back(codes.bias);
        expected.plane_a.insert(expected.plane_a.end(), codes.plane_a.begin(), codes.plane_a.end());
        expected.plane_b.insert(expected.plane_b.end(), codes.plane_b.begin(), codes.plane_b.end());
      }
      const ListSegment::CanonicalList list = segment.Canonical(number);
      EXPECT_EQ(list.rows, expected.rows);
      EXPECT_EQ(list.bias, expected.bias);
      EXPECT_EQ(list.plane_a, expected.plane_a);
      EXPECT_EQ(list.plane_b, expected.plane_b);
      EXPECT_EQ(segment.list(number).count, expected.rows.size());
      rows += expected.rows.size();
    }
    std::vector<uint32_t> sides;
    std::copy_if(sides_.begin(), sides_.end(), std::back_inserter(sides), live);
    EXPECT_EQ(std::vector<uint32_t>(segment.side_rows().begin(), segment.side_rows().end()), sides);
    EXPECT_EQ(segment.rows(), rows + sides.size());
  }

  std::mt19937 random_{11};
  std::shared_ptr<const IndexVersion> version_;
  std::map<uint32_t, Codes> codes_;
  std::vector<uint32_t> sides_;
};

std::vector<uint32_t> Range(uint32_t begin, uint32_t end) {
  std::vector<uint32_t> rows;
  for (uint32_t row = begin; row < end; ++row) rows.push_back(row);
  return rows;
}

TEST_F(ListSegmentTest, GivesBackWhatWasEncodedAscendingByRow) {
  std::vector<uint32_t> rows = Range(0, 1000);
  std::shuffle(rows.begin(), rows.end(), random_);
  const auto segment = Pack(rows);
  EXPECT_GT(segment->list(0).count, 200u);
  ExpectHolds(*segment, [](uint32_t) { return true; });
}

TEST_F(ListSegmentTest, GoesThroughCanonicalListsByteForByte) {
  const auto segment = Pack(Range(0, 777));
  std::vector<uint32_t> counts;
  for (uint32_t number = 0; number < 7; ++number) counts.push_back(segment->list(number).count);
  const auto again = ListSegment::FromCanonical(
      *version_, counts, [&](uint32_t number) { return segment->Canonical(number); },
      {segment->side_rows().begin(), segment->side_rows().end()});
  ExpectHolds(*again, [](uint32_t) { return true; });
  ASSERT_EQ(again->code_bytes(), segment->code_bytes());
  for (uint32_t number = 0; number < 7; ++number) {
    const uint8_t* blocks = again->list(number).blocks;
    EXPECT_TRUE(std::equal(blocks, blocks + ListSegment::ListBytes(5, counts[number]),
                           segment->list(number).blocks));
  }
}

TEST_F(ListSegmentTest, LaysOutBlocksAsTheScanReadsThem) {
  ListSegment::CanonicalList list;
  for (uint32_t i = 0; i < 70; ++i) {
    list.rows.push_back(1000 + i);
    list.bias.push_back(static_cast<uint16_t>(300 + i));
    for (uint32_t m = 0; m < 5; ++m) list.plane_a.push_back(static_cast<uint8_t>(m * 50 + i % 50));
    for (uint32_t j = 0; j < kPlaneB; ++j) list.plane_b.push_back(static_cast<uint8_t>(i));
  }
  std::vector<ListSegment::CanonicalList> lists(7);
  lists[3] = list;
  const auto segment = ListSegment::FromCanonical(*version_, lists, {});
  // 64 vectors, then 6 in a block of 16 lanes.
  const size_t bytes = ListSegment::BlockBytes(5, 64) + ListSegment::BlockBytes(5, 16);
  EXPECT_EQ(bytes, 64 * 7u + 16 * 7u);
  EXPECT_EQ(segment->code_bytes(), (bytes + 63) / 64 * 64 + 70 * 4 + 2 * 8 * 8);  // 7 lists
  EXPECT_EQ(reinterpret_cast<uintptr_t>(segment->list(3).blocks) % 64, 0u);
  const uint8_t* last = segment->list(3).blocks + ListSegment::BlockBytes(5, 64);
  EXPECT_EQ(last[2 * 16 + 4], 2 * 50 + 68 % 50);
  uint16_t bias;
  // Even lanes first: lane 4 is the third, lane 5 the third of the odd ones.
  std::memcpy(&bias, last + 5 * 16 + 2 * 2, 2);
  EXPECT_EQ(bias, 368);
  std::memcpy(&bias, last + 5 * 16 + (8 + 2) * 2, 2);
  EXPECT_EQ(bias, 369);
  EXPECT_EQ(segment->list(3).rows[68], 1068u);
  EXPECT_EQ(segment->list(3).plane_b[68 * kPlaneB], 68);
}

TEST_F(ListSegmentTest, MergeKeepsTheLiveRowsOfAllSegmentsInOrder) {
  std::vector<uint32_t> rows = Range(0, 900);
  std::shuffle(rows.begin(), rows.end(), random_);
  std::vector<std::shared_ptr<const ListSegment>> segments;
  for (int i = 0; i < 3; ++i) {
    segments.push_back(Pack({rows.begin() + i * 300, rows.begin() + (i + 1) * 300}));
  }
  std::vector<uint32_t> dead;
  for (uint32_t row = 0; row < 900; row += 3) dead.push_back(row);
  const auto merged = ListSegment::Merge(*version_, segments, Tombstones().With(dead));
  ExpectHolds(*merged, [](uint32_t row) { return row % 3 != 0; });
}

TEST_F(ListSegmentTest, IsEmptyWhenNothingLives) {
  const auto segment = Pack(Range(0, 50));
  const auto merged =
      ListSegment::Merge(*version_, std::vector{segment}, Tombstones().With(Range(0, 50)));
  EXPECT_EQ(merged->rows(), 0u);
  EXPECT_EQ(merged->code_bytes(), 2 * 8 * 8u);  // the offsets of no lists
  EXPECT_EQ(merged->refine_bytes(), 0u);
  EXPECT_EQ(merged->list(6).count, 0u);
  EXPECT_THAT(merged->Canonical(0).rows, ElementsAre());
}

}  // namespace
}  // namespace kith::index
