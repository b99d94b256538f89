#include "shard/parts/postings.h"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

namespace kith::shard {
namespace {

using Oracle = std::map<uint16_t, std::set<std::pair<std::string, uint32_t>>>;

std::set<uint32_t> RowsOf(const RowWords& words) {
  std::set<uint32_t> rows;
  for (size_t word = 0; word < words.size(); ++word) {
    for (uint32_t bit = 0; bit < 64; ++bit) {
      if ((words[word] >> bit & 1) != 0) rows.insert(static_cast<uint32_t>(word * 64 + bit));
    }
  }
  return rows;
}

// Words of two digits: their order is that of the bytes, and ranges cut between them.
std::string RandomValue(std::mt19937& random) {
  const uint32_t number = random() % 40;
  return {static_cast<char>('a' + number / 10), static_cast<char>('0' + number % 10)};
}

class PostingsTest : public ::testing::Test {
 protected:
  void AddRows(uint32_t count) {
    std::vector<Posting> added;
    for (uint32_t row = end_; row < end_ + count; ++row) {
      for (uint16_t field = 0; field < 2; ++field) {
        if (random_() % 3 == 0) continue;
        added.push_back({field, RandomValue(random_), row});
        oracle_[field].emplace(added.back().value, row);
      }
    }
    postings_ = postings_.With(std::move(added), end_, end_ + count);
    end_ += count;
  }

  std::set<uint32_t> Found(uint16_t field, const ValueRange& range) const {
    RowWords words((end_ + 63) / 64);
    for (const auto& run : postings_.runs()) run->AddRowsIn(field, range, words);
    return RowsOf(words);
  }

  std::set<uint32_t> Expected(uint16_t field, const ValueRange& range) const {
    std::set<uint32_t> rows;
    for (const auto& [value, row] : oracle_.at(field)) {
      const bool above = !range.low || value > range.low->value ||
                         (range.low->is_inclusive && value == range.low->value);
      const bool below = !range.high || value < range.high->value ||
                         (range.high->is_inclusive && value == range.high->value);
      if (above && below) rows.insert(row);
    }
    return rows;
  }

  std::mt19937 random_{7};
  Postings postings_;
  Oracle oracle_;
  uint32_t end_ = 0;
};

TEST_F(PostingsTest, RangesOfRunsOfAllSizesGiveWhatAScanWould) {
  AddRows(70'000);
  for (int i = 0; i < 300; ++i) AddRows(1 + random_() % 40);
  for (int i = 0; i < 40; ++i) {
    const std::string low = RandomValue(random_);
    const std::string high = RandomValue(random_);
    ValueRange range;
    if (random_() % 4 != 0) range.low = {low, random_() % 2 == 0};
    if (random_() % 4 != 0) range.high = {high, random_() % 2 == 0};
    const auto field = static_cast<uint16_t>(random_() % 2);
    EXPECT_EQ(Found(field, range), Expected(field, range));
  }
}

TEST_F(PostingsTest, AChunkHasAFewRunsHoweverSmallTheGroups) {
  for (int i = 0; i < 3000; ++i) AddRows(1);
  EXPECT_LE(postings_.runs().size(), 16u);
}

TEST_F(PostingsTest, NoRunCrossesTheBorderOfAChunk) {
  AddRows(65'000);
  AddRows(1000);
  AddRows(70'000);
  for (const auto& run : postings_.runs()) {
    EXPECT_EQ(PostingRun::ChunkOf(run->begin()), PostingRun::ChunkOf(run->end() - 1));
  }
  EXPECT_EQ(Found(1, {}), Expected(1, {}));
}

TEST_F(PostingsTest, AValueStaysAsItWasWhenMoreAreAdded) {
  AddRows(1000);
  const Postings before = postings_;
  const std::set<uint32_t> found = Found(0, {});
  AddRows(1000);
  RowWords words((end_ + 63) / 64);
  for (const auto& run : before.runs()) run->AddRowsWith(0, words);
  EXPECT_EQ(RowsOf(words), found);
}

TEST_F(PostingsTest, RunsWhoseRowsAreAllDeadAreLetGo) {
  AddRows(140'000);
  const index::Tombstones dead =
      index::Tombstones().WithRange(0, 65'536).With(std::vector<uint32_t>{70'000});
  const size_t before = postings_.runs().size();
  postings_ = postings_.WithoutDead(dead);
  EXPECT_EQ(postings_.runs().size(), before - 1);
  EXPECT_EQ(postings_.runs().front()->begin(), 65'536u);
}

TEST_F(PostingsTest, AFieldAddedForOldRowsPieceByPieceIsFoundBesideWhatComes) {
  AddRows(100'000);
  for (uint16_t field = 2; field < 4; ++field) {  // one after the other, both over all rows
    const uint32_t old_end = end_;
    for (uint32_t begin = 0; begin < old_end; begin += 3000) {
      const uint32_t end = std::min(begin + 3000, old_end);
      std::vector<Posting> added;
      for (uint32_t row = begin; row < end; row += 1 + random_() % 3) {
        added.push_back({field, RandomValue(random_), row});
        oracle_[field].emplace(added.back().value, row);
      }
      postings_ = postings_.WithOld(std::move(added), begin, end);
      AddRows(50);
    }
  }
  for (uint16_t field = 0; field < 4; ++field) {
    EXPECT_EQ(Found(field, {}), Expected(field, {})) << field;
    ValueRange range;
    range.low = {"b3", true};
    EXPECT_EQ(Found(field, range), Expected(field, range)) << field;
  }
  EXPECT_LE(postings_.runs().size(), 48u) << "small pieces are merged";
  const size_t before = postings_.runs().size();
  postings_ = postings_.WithoutDead(index::Tombstones().WithRange(0, 65'536));
  EXPECT_LE(postings_.runs().size(), before - 3);
  AddRows(1000);
  postings_ = postings_.WithOld({{2, "z9", 99'000}}, 98'000, 99'001);
  RowWords words((end_ + 63) / 64);
  for (const auto& run : postings_.runs()) run->AddRowsOf(2, "z9", words);
  EXPECT_EQ(RowsOf(words), std::set<uint32_t>{99'000});
}

TEST_F(PostingsTest, RunsOfFieldsAddedOneAfterTheOtherKeepTheirRanges) {
  AddRows(4000);
  postings_ = postings_.WithOld({{2, "a0", 3500}}, 0, 4000);
  postings_ = postings_.WithOld({{3, "a0", 10}}, 0, 3000);
  postings_ = postings_.WithoutDead(index::Tombstones().WithRange(0, 3000));
  RowWords words((end_ + 63) / 64);
  for (const auto& run : postings_.runs()) run->AddRowsWith(2, words);
  EXPECT_EQ(RowsOf(words), std::set<uint32_t>{3500});
}

TEST_F(PostingsTest, AFieldIsTakenAwayRunByRunAndTheOthersStay) {
  AddRows(200'000);
  const uint64_t bytes = postings_.memory_bytes();
  int steps = 0;
  for (; postings_.HasField(0); ++steps) postings_ = postings_.WithoutField(0, 1);
  EXPECT_GT(steps, 3);
  EXPECT_TRUE(Found(0, {}).empty());
  EXPECT_EQ(Found(1, {}), Expected(1, {}));
  EXPECT_LT(postings_.memory_bytes(), bytes * 2 / 3);
}

TEST_F(PostingsTest, ForEachGivesEveryPostingInOrder) {
  AddRows(500);
  std::vector<Posting> seen;
  for (const auto& run : postings_.runs()) {
    run->ForEach([&](uint16_t field, std::string_view value, uint32_t row) {
      seen.push_back({field, std::string(value), row});
    });
  }
  EXPECT_TRUE(std::is_sorted(seen.begin(), seen.end()));
  EXPECT_EQ(seen.size(), oracle_[0].size() + oracle_[1].size());
}

}  // namespace
}  // namespace kith::shard
