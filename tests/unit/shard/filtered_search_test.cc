#include "shard/search/filtered_search.h"

#include <gtest/gtest.h>

namespace kith::shard {
namespace {

// A million rows in 4,000 lists.
FilteredRows Passing(uint64_t rows) { return {rows, 1'000'000, 4000, 50, 8192}; }

TEST(FilteredSearch, FewRowsAreAllCompared) {
  EXPECT_TRUE(PlanFiltered(Passing(8192)).is_exact);
  EXPECT_FALSE(PlanFiltered(Passing(8193)).is_exact);
}

TEST(FilteredSearch, TheFewerPassTheMoreListsAreWanted) {
  double lists = 50;
  for (const uint64_t rows : {500'000u, 50'000u, 10'000u}) {
    const double wanted = static_cast<double>(PlanFiltered(Passing(rows)).passing_rows) /
                          static_cast<double>(rows) * 4000;
    EXPECT_GT(wanted, lists);
    lists = wanted;
  }
}

TEST(FilteredSearch, InARegionMoreRowsAreWantedAndElsewhereAsManyAsPlanned) {
  const FilteredRows rows = Passing(50'000);
  const FilteredSearch search = PlanFiltered(rows);
  EXPECT_EQ(WantedIn(search, rows, 0), search.passing_rows);
  EXPECT_GT(WantedIn(search, rows, 0.8), search.passing_rows);
  // Where lists are short, or few rows pass, chance leaves lists without any.
  FilteredRows short_lists = rows;
  short_lists.lists = 100'000;
  EXPECT_EQ(WantedIn(search, short_lists, 0.6), search.passing_rows);
  EXPECT_GT(WantedIn(search, short_lists, 0.95), search.passing_rows);
}

}  // namespace
}  // namespace kith::shard
