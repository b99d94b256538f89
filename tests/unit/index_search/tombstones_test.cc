#include "index/tombstones.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

namespace kith::index {
namespace {

using Rows = std::set<uint32_t>;

Rows DeadRows(const Tombstones& tombstones, uint32_t row_end) {
  Rows rows;
  for (uint32_t row = 0; row < row_end; ++row) {
    if (tombstones.IsDead(row)) rows.insert(row);
  }
  return rows;
}

TEST(Tombstones, NothingIsDeadInANewOne) {
  const Tombstones tombstones;
  EXPECT_FALSE(tombstones.IsDead(0));
  EXPECT_FALSE(tombstones.IsDead(UINT32_MAX));
  EXPECT_EQ(tombstones.dead_rows(), 0u);
  EXPECT_EQ(tombstones.DeadBetween(0, UINT32_MAX), 0u);
}

TEST(Tombstones, AgreeWithASetAndLeaveEveryOlderValueAsItWas) {
  std::mt19937 random(7);
  // Around the borders of words, pages and branches, where the arithmetic could slip.
  const std::vector<uint32_t> centres = {0, 64, 4096, 1u << 20, 3u << 20, (5u << 20) - 1};
  std::vector<Tombstones> values(1);
  std::vector<Rows> models(1);
  for (int step = 0; step < 60; ++step) {
    std::vector<uint32_t> rows;
    for (uint32_t i = random() % 40; i > 0; --i) {
      const uint32_t centre = centres[random() % centres.size()];
      rows.push_back(centre - std::min(centre, 5000u) + random() % 10000);
    }
    if (!rows.empty()) rows.push_back(rows.front());  // given twice, dead once
    Rows model = models.back();
    model.insert(rows.begin(), rows.end());
    values.push_back(values.back().With(rows));
    models.push_back(model);
  }
  constexpr uint32_t kEnd = (5u << 20) + 10000;
  for (size_t i : {size_t{0}, size_t{20}, values.size() - 1}) {
    EXPECT_EQ(DeadRows(values[i], kEnd), models[i]);
    EXPECT_EQ(values[i].dead_rows(), models[i].size());
  }
  for (int i = 0; i < 300; ++i) {
    uint32_t begin = centres[random() % centres.size()] + random() % 5000;
    uint32_t end = centres[random() % centres.size()] + random() % 5000;
    const Rows& model = models.back();
    const auto expected =
        begin >= end ? 0 : std::distance(model.lower_bound(begin), model.lower_bound(end));
    EXPECT_EQ(values.back().DeadBetween(begin, end), static_cast<uint64_t>(expected));
  }
}

TEST(Tombstones, GoThroughWordsAndBack) {
  const std::vector<uint32_t> rows = {0, 63, 64, 4095, 4096, 70'000, (2u << 20) + 5};
  const Tombstones tombstones = Tombstones().With(rows);
  const uint32_t row_end = (2u << 20) + 6;
  const std::vector<uint64_t> words = tombstones.ToWords(row_end);
  EXPECT_EQ(words.size(), (row_end + 63) / 64);
  const Tombstones again = Tombstones::FromWords(words);
  EXPECT_EQ(again.dead_rows(), rows.size());
  EXPECT_EQ(DeadRows(again, row_end + 100), Rows(rows.begin(), rows.end()));
  EXPECT_EQ(again.ToWords(row_end), words);
}

TEST(Tombstones, WordsHoldNoRowFromTheEndOn) {
  const Tombstones tombstones = Tombstones().With(std::vector<uint32_t>{3, 99, 100, 5000});
  const Tombstones cut = Tombstones::FromWords(tombstones.ToWords(100));
  EXPECT_EQ(DeadRows(cut, 6000), (Rows{3, 99}));
}

TEST(Tombstones, HoldTheLastRowThereIs) {
  const Tombstones tombstones = Tombstones().With(std::vector<uint32_t>{UINT32_MAX});
  EXPECT_TRUE(tombstones.IsDead(UINT32_MAX));
  EXPECT_FALSE(tombstones.IsDead(UINT32_MAX - 1));
  EXPECT_EQ(tombstones.DeadBetween(UINT32_MAX - 1, UINT32_MAX), 0u);
}

TEST(Tombstones, TakeMemoryForTouchedPagesOnly) {
  std::vector<uint32_t> rows(4096);
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = 50'000'000 / 4096 * 4096 + i;
  EXPECT_LT(Tombstones().With(rows).memory_bytes(), 10'000u);
  EXPECT_GE(Tombstones().With(rows).memory_bytes(), 512u);
}

}  // namespace
}  // namespace kith::index
