#include "index/tombstones.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
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

TEST(Tombstones, GoThroughPagesAndBack) {
  const std::vector<uint32_t> rows = {0, 63, 64, 4095, 4096, 70'000, (2u << 20) + 5};
  const Tombstones tombstones = Tombstones().With(rows);
  std::vector<uint32_t> numbers;
  std::vector<Tombstones::PageWords> pages;
  for (uint32_t number = 0; number < tombstones.page_count(); ++number) {
    if (tombstones.page(number) == nullptr) continue;
    numbers.push_back(number);
    pages.push_back(*tombstones.page(number));
  }
  EXPECT_EQ(numbers, (std::vector<uint32_t>{0, 1, 17, 512}));
  const Tombstones again = Tombstones::FromPages(numbers, pages);
  EXPECT_EQ(again.dead_rows(), rows.size());
  EXPECT_EQ(DeadRows(again, (2u << 20) + 100), Rows(rows.begin(), rows.end()));
}

TEST(Tombstones, ARangeIsTheSameAsItsRows) {
  std::mt19937 random(3);
  for (int i = 0; i < 30; ++i) {
    const uint32_t begin = random() % 3'000'000;
    const uint32_t end = begin + random() % (i % 2 == 0 ? 9000 : 2'500'000);
    const Tombstones some = Tombstones().With(std::vector<uint32_t>{begin + 1, end + 5, 77});
    std::vector<uint32_t> rows(end - begin);
    std::iota(rows.begin(), rows.end(), begin);
    const Tombstones range = some.WithRange(begin, end);
    const Tombstones listed = some.With(rows);
    EXPECT_EQ(range.dead_rows(), listed.dead_rows());
    EXPECT_EQ(range.DeadBetween(0, ~0u), listed.DeadBetween(0, ~0u));
    EXPECT_EQ(range.memory_bytes(), listed.memory_bytes());
    for (uint32_t row = 0; row < 6'000'000; row += 61) {
      ASSERT_EQ(range.IsDead(row), listed.IsDead(row)) << row;
    }
  }
}

TEST(Tombstones, RowsThatAreAllDeadTakeNoMemory) {
  // One after the other, as updates kill them, and as the last row of its page or not.
  Tombstones tombstones;
  for (uint32_t begin = 0; begin < (3u << 20); begin += 1000) {
    std::vector<uint32_t> rows;
    for (uint32_t row = begin; row < begin + 1000; ++row) rows.push_back(row);
    tombstones = tombstones.With(rows);
  }
  EXPECT_LT(tombstones.memory_bytes(), 6'000u);
  EXPECT_EQ(tombstones.DeadBetween(0, 3u << 20), 3u << 20);
  const Tombstones all = Tombstones().WithRange(0, 4'000'000'000);
  EXPECT_LT(all.memory_bytes(), 100'000u);
  EXPECT_EQ(all.dead_rows(), 4'000'000'000u);
}

TEST(Tombstones, SkippingEndsAtTheFirstPageWithALiveRow) {
  const Tombstones tombstones =
      Tombstones().WithRange(5, 5 * 4096 + 7).WithRange(2u << 20, 5u << 20);
  EXPECT_EQ(tombstones.SkipDeadPages(0), 0u);
  EXPECT_EQ(tombstones.SkipDeadPages(10), 10u) << "rows of its page live";
  EXPECT_EQ(tombstones.SkipDeadPages(4096), 5u * 4096);
  EXPECT_EQ(tombstones.SkipDeadPages(3 * 4096 + 9), 5u * 4096);
  EXPECT_EQ(tombstones.SkipDeadPages((2u << 20) + 1), 5u << 20);
  EXPECT_EQ(tombstones.SkipDeadPages(7u << 20), 7u << 20);
  const Tombstones last = Tombstones().WithRange(4096, ~0u).With(std::vector<uint32_t>{~0u});
  EXPECT_EQ(last.SkipDeadPages(5000), uint64_t{1} << 32);
}

TEST(Tombstones, HoldTheLastRowThereIs) {
  const Tombstones tombstones = Tombstones().With(std::vector<uint32_t>{UINT32_MAX});
  EXPECT_TRUE(tombstones.IsDead(UINT32_MAX));
  EXPECT_FALSE(tombstones.IsDead(UINT32_MAX - 1));
  EXPECT_EQ(tombstones.DeadBetween(UINT32_MAX - 1, UINT32_MAX), 0u);
}

TEST(Tombstones, TakeMemoryForTouchedPagesOnly) {
  std::vector<uint32_t> rows(4095);
  for (uint32_t i = 0; i < rows.size(); ++i) rows[i] = 50'000'000 / 4096 * 4096 + i;
  EXPECT_LT(Tombstones().With(rows).memory_bytes(), 10'000u);
  EXPECT_GE(Tombstones().With(rows).memory_bytes(), 4096u + 512);
}

}  // namespace
}  // namespace kith::index
