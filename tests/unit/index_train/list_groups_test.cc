#include "index/list_groups.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "index/group_exchange.h"
#include "index/train.h"
#include "tests/unit/index_train/sample_points.h"

namespace kith::index {
namespace {

std::vector<float> Grouped(std::vector<float> rows, size_t dimension, int threads) {
  TrainingControl control;
  control.threads = threads;
  Pace pace(control, 1);
  EXPECT_TRUE(GroupRows(dimension, pace, rows));
  return rows;
}

std::multiset<std::vector<float>> Set(const std::vector<float>& rows, size_t dimension) {
  std::multiset<std::vector<float>> set;
  for (auto row = rows.begin(); row != rows.end(); row += static_cast<int>(dimension)) {
    set.emplace(row, row + static_cast<int>(dimension));
  }
  return set;
}

// Mean squared distance of rows to their groups' means.
double Spread(const std::vector<float>& rows, size_t n) {
  const size_t count = rows.size() / n;
  double spread = 0;
  for (size_t begin = 0; begin < count; begin += kGroupLists) {
    const size_t end = std::min<size_t>(count, begin + kGroupLists);
    for (size_t j = 0; j < n; ++j) {
      double sum = 0;
      for (size_t i = begin; i < end; ++i) sum += rows[i * n + j];
      const double mean = sum / static_cast<double>(end - begin);
      for (size_t i = begin; i < end; ++i) {
        spread += (rows[i * n + j] - mean) * (rows[i * n + j] - mean);
      }
    }
  }
  return spread / static_cast<double>(count);
}

TEST(ListGroupsTest, EveryRowStaysOnce) {
  for (const size_t count : {1, 63, 64, 65, 128, 1000, 5003}) {
    const auto rows = ClusteredPoints(count, 7, 1);
    EXPECT_EQ(Set(Grouped(rows, 7, 2), 7), Set(rows, 7)) << count;
  }
}

TEST(ListGroupsTest, RowsOfAGroupLieTogether) {
  const auto rows = ClusteredPoints(8000, 8, 2);
  EXPECT_LT(Spread(Grouped(rows, 8, 1), 8), 0.2 * Spread(rows, 8));
}

// Halving cuts in the middle of wherever it must; its neighbours then share out anew.
TEST(ListGroupsTest, HeapsOfAGroupsSizeAreFoundWhole) {
  constexpr size_t kHeaps = 40;
  std::mt19937 bits(3);
  std::vector<float> centres(kHeaps * 6);
  for (float& value : centres) value = 100 * Draw(bits);
  std::vector<float> rows;
  for (size_t i = 0; i < kHeaps * kGroupLists; ++i) {
    for (size_t j = 0; j < 6; ++j) rows.push_back(centres[i % kHeaps * 6 + j] + Draw(bits));
  }
  // Of a heap alone: 6 / 12.
  EXPECT_LT(Spread(Grouped(rows, 6, 1), 6), 0.51);
}

TEST(GroupExchangeTest, NeighboursShareTheirRowsOutAnewAndKeepTheirSizes) {
  // Two heaps, of 64 and 40 rows, mixed.
  std::vector<float> rows;
  for (size_t i = 0; i < 104; ++i) {
    const bool is_far = i % 13 >= 8;
    for (size_t j = 0; j < 2; ++j)
      rows.push_back((is_far ? 50.0f : 0.0f) + static_cast<float>(i % 7));
  }
  std::vector<uint32_t> order(104);
  for (uint32_t i = 0; i < 104; ++i) order[i] = i;
  TrainingControl control;
  Pace pace(control, 1);
  const Matrix matrix = {rows.data(), 104, 2};
  ASSERT_TRUE(GroupExchange(matrix, order).Run(pace));
  EXPECT_EQ(std::set<uint32_t>(order.begin(), order.end()).size(), 104u);
  for (size_t i = 1; i < kGroupLists; ++i) {
    EXPECT_EQ(order[i] % 13 >= 8, order[0] % 13 >= 8) << "place " << i;
  }
}

TEST(ListGroupsTest, FarFromTheOriginRowsKeepTheirDigits) {
  auto rows = ClusteredPoints(4000, 8, 2);
  const double spread = Spread(Grouped(rows, 8, 1), 8);
  for (float& value : rows) value += 3000;
  EXPECT_LT(Spread(Grouped(rows, 8, 1), 8), 1.1 * spread);
}

TEST(ListGroupsTest, EqualRowsAndOneHeapAmongOthersEndInFullGroups) {
  const std::vector<float> equal(1000 * 3, 0.25f);
  EXPECT_EQ(Grouped(equal, 3, 2), equal);
  // Half of the rows are one point; the others lie far apart.
  std::mt19937 bits(4);
  std::vector<float> rows(2000 * 3, 1);
  for (size_t i = 0; i < 3000; ++i) rows[i * 2] = 1000 * Draw(bits);
  EXPECT_EQ(Set(Grouped(rows, 3, 2), 3), Set(rows, 3));
  // A row farther than floats can square.
  rows[0] = 3e38f;
  rows[4] = -3e38f;
  EXPECT_EQ(Set(Grouped(rows, 3, 2), 3), Set(rows, 3));
}

TEST(ListGroupsTest, TheOrderIsTheSameForAnyNumberOfThreads) {
  const auto rows = ClusteredPoints(6000, 9, 5);
  const auto alone = Grouped(rows, 9, 1);
  EXPECT_EQ(Grouped(rows, 9, 2), alone);
  EXPECT_EQ(Grouped(rows, 9, 5), alone);
}

TEST(ListGroupsTest, StopsWhereverItIsCancelledAndLeavesTheRows) {
  const auto rows = ClusteredPoints(3000, 4, 6);
  int asks = 0;
  TrainingControl control;
  control.cancelled = [&] { return ++asks < 0; };
  auto grouped = rows;
  Pace whole(control, 1);
  ASSERT_TRUE(GroupRows(4, whole, grouped));
  const int asks_of_all = asks;
  for (const int asked : {1, 2, asks_of_all / 2, asks_of_all}) {
    asks = 0;
    control.cancelled = [&] { return ++asks >= asked; };
    grouped = rows;
    Pace pace(control, 1);
    EXPECT_FALSE(GroupRows(4, pace, grouped)) << asked;
    EXPECT_EQ(grouped, rows);
  }
}

TEST(GroupCodesTest, AreThoseOfTheMeansInTheBytesOfTheLists) {
  std::vector<float> rows;
  for (int i = 0; i < 100; ++i) rows.push_back(static_cast<float>(i < 64 ? i : 200));
  const CentroidCodes lists({rows.data(), 100, 1});
  const CentroidCodes groups = GroupCodes({rows.data(), 100, 1}, lists.range());
  EXPECT_EQ(groups.centroids(), 2u);
  EXPECT_TRUE(groups.exact()) << "rounded to bytes, as points are";
  const float point = 31;
  int8_t code[4];
  groups.EncodePoint(&point, code);
  const int8_t* const query = code;
  int32_t scores[64];
  int32_t* const out = scores;
  ActiveKernels().panel_scores(groups.distance_panels(), &query, 1, &out);
  const int64_t offset = groups.DistanceOffset(code);
  EXPECT_EQ(groups.Distance(offset, scores[0], 0), 1) << "31.5 is rounded to 32";
  EXPECT_EQ(groups.Distance(offset, scores[1], 1), 169 * 169) << "of the 36 that are there";
}

}  // namespace
}  // namespace kith::index
