#include "shard/maintenance/segment_policy.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace kith::shard {
namespace {

using Segments = std::vector<SegmentRows>;

std::optional<SegmentRange> Busy(const Segments& segments) {
  return ChooseMerge(segments, Pace::kBusy);
}

TEST(SegmentPolicy, NothingIsDueWhereEachSegmentIsLargeBesideWhatFollowsIt) {
  EXPECT_EQ(Busy({}), std::nullopt);
  EXPECT_EQ(Busy({{100'000, 100'000}}), std::nullopt);
  EXPECT_EQ(Busy({{100'000, 100'000}, {30'000, 30'000}, {8'192, 8'192}}), std::nullopt);
}

TEST(SegmentPolicy, SegmentsThatAreSmallBesideWhatFollowsThemBecomeOne) {
  EXPECT_EQ(Busy({{8'192, 8'192}, {8'192, 8'192}}), (SegmentRange{0, 2}));
  EXPECT_EQ(Busy({{90'000, 90'000}, {20'000, 20'000}, {8'192, 8'192}, {8'192, 8'192}}),
            (SegmentRange{1, 4}));
  EXPECT_EQ(Busy({{10'000, 10'000}, {90'000, 90'000}, {8'192, 8'192}}), (SegmentRange{0, 3}))
      << "also where it is an old one that shrank";
}

TEST(SegmentPolicy, DeadRowsAboveABoundAreWrittenOutMostOfThemFirst) {
  EXPECT_EQ(Busy({{100'000, 81'000}, {30'000, 30'000}}), std::nullopt);
  EXPECT_EQ(Busy({{100'000, 79'000}, {30'000, 30'000}}), (SegmentRange{0, 1}));
  EXPECT_EQ(Busy({{900'000, 700'000}, {300'000, 90'000}, {20'000, 20'000}}), (SegmentRange{1, 2}));
  EXPECT_EQ(Busy({{1'000, 1}}), std::nullopt) << "too few to be worth it";
  EXPECT_EQ(ChooseMerge(Segments{{100'000, 94'000}}, Pace::kQuiet), (SegmentRange{0, 1}))
      << "once it is quiet there is time for more";
}

TEST(SegmentPolicy, ASegmentWithoutALiveRowGoesFirst) {
  EXPECT_EQ(Busy({{8'192, 8'192}, {10, 0}, {8'192, 8'192}}), (SegmentRange{1, 2}));
}

TEST(SegmentPolicy, NoMergeIsLargerThanFourMillionRowsOrAnEighthOfAll) {
  constexpr uint64_t kLarge = 3'000'000;
  EXPECT_EQ(Busy({{kLarge, kLarge}, {kLarge, kLarge}}), std::nullopt);
  const Segments many(16, {kLarge, kLarge});
  ASSERT_TRUE(Busy(many).has_value());
  EXPECT_EQ(*Busy(many), (SegmentRange{14, 16})) << "6 of 48 million";
}

// A stream of new rows each of which kills an old one: what merges cost, and what they leave.
TEST(SegmentPolicy, UnderUpdatesSegmentsStayFewAndMergesCheap) {
  std::mt19937_64 random(11);
  constexpr uint64_t kPoints = 1'000'000;
  constexpr uint64_t kStep = 8'192;
  Segments segments = {{kPoints, kPoints}};
  uint64_t copied = 0;
  uint64_t updates = 0;
  size_t most = 0;
  while (updates < 10 * kPoints) {
    for (SegmentRows& segment : segments) {
      segment.live -= segment.live * kStep / kPoints;  // any point is as likely to be updated
    }
    segments.push_back({kStep, kStep});
    updates += kStep;
    while (const auto range = Busy(segments)) {
      SegmentRows merged;
      for (size_t i = range->begin; i < range->end; ++i) merged.live += segments[i].live;
      merged.rows = merged.live;
      copied += merged.live;
      const auto at = segments.begin() + static_cast<ptrdiff_t>(range->begin);
      segments.erase(at, segments.begin() + static_cast<ptrdiff_t>(range->end));
      if (merged.live != 0) {
        segments.insert(segments.begin() + static_cast<ptrdiff_t>(range->begin), merged);
      }
    }
    most = std::max(most, segments.size());
    uint64_t rows = 0, live = 0;
    for (const SegmentRows& segment : segments) rows += segment.rows, live += segment.live;
    ASSERT_LE(static_cast<double>(rows), static_cast<double>(live) * 1.26);
  }
  const double amplification = static_cast<double>(copied) / static_cast<double>(updates);
  RecordProperty("copies_per_update", std::to_string(amplification));
  RecordProperty("segments_at_most", static_cast<int>(most));
  printf("copies per update %.2f, at most %zu segments\n", amplification, most);
  EXPECT_LE(most, 9u);
  EXPECT_LE(amplification, 14.0);
}

TEST(SegmentPolicy, MergingEndsWhateverTheSegmentsAre) {
  std::mt19937_64 random(5);
  for (int i = 0; i < 500; ++i) {
    Segments segments(random() % 40);
    for (SegmentRows& segment : segments) {
      segment.rows = 1 + random() % (uint64_t{1} << (random() % 24));
      segment.live = random() % (segment.rows + 1);
    }
    const Pace pace = i % 2 == 0 ? Pace::kBusy : Pace::kQuiet;
    int merges = 0;
    while (const auto range = ChooseMerge(segments, pace)) {
      ASSERT_LT(range->begin, range->end);
      ASSERT_LE(range->end, segments.size());
      SegmentRows merged;
      for (size_t j = range->begin; j < range->end; ++j) merged.live += segments[j].live;
      merged.rows = merged.live;
      const auto begin = segments.begin() + static_cast<ptrdiff_t>(range->begin);
      segments.erase(begin + (merged.live == 0 ? 0 : 1),
                     segments.begin() + static_cast<ptrdiff_t>(range->end));
      if (merged.live != 0) segments[range->begin] = merged;
      ASSERT_LE(++merges, 100);
    }
  }
}

}  // namespace
}  // namespace kith::shard
