#include "coordinator/duplicates/duplicate_clusters.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <numeric>
#include <random>
#include <vector>

namespace kith::coordinator {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

PointKey Key(uint64_t number) { return PointKey::FromNumber(number); }

std::vector<uint64_t> NumbersOf(const DuplicateCluster& cluster) {
  std::vector<uint64_t> numbers;
  for (size_t at = 0; at < cluster.keys.size(); at += PointKey::kSize) {
    numbers.push_back(PointKey::FromBytes(cluster.keys.data() + at).number());
  }
  return numbers;
}

TEST(DuplicateClusters, WhatIsLinkedIsTogetherAlsoThroughOthers) {
  DuplicateClusters clusters(100);
  EXPECT_TRUE(clusters.Link(Key(7), Key(3), 2.0f));
  EXPECT_TRUE(clusters.Link(Key(9), Key(8), 0.5f));
  EXPECT_TRUE(clusters.Link(Key(3), Key(5), 1.0f));
  EXPECT_TRUE(clusters.Link(Key(3), Key(7), 4.0f));
  const auto found = clusters.Take();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_THAT(NumbersOf(found[0]), ElementsAre(3, 5, 7));
  EXPECT_EQ(found[0].rank, 1.0f);
  EXPECT_THAT(NumbersOf(found[1]), ElementsAre(8, 9));
  EXPECT_EQ(found[1].rank, 0.5f);
}

TEST(DuplicateClusters, LargerOnesComeFirstAndThenThoseOfSmallerKeys) {
  DuplicateClusters clusters(100);
  clusters.Link(Key(20), Key(21), 0);
  clusters.Link(Key(4), Key(40), 0);
  clusters.Link(Key(30), Key(31), 0);
  clusters.Link(Key(31), Key(32), 0);
  const auto found = clusters.Take();
  EXPECT_THAT(NumbersOf(found[0]), ElementsAre(30, 31, 32));
  EXPECT_THAT(NumbersOf(found[1]), ElementsAre(4, 40));
  EXPECT_THAT(NumbersOf(found[2]), ElementsAre(20, 21));
}

TEST(DuplicateClusters, BeyondItsRoomNothingIsLinked) {
  DuplicateClusters clusters(4);
  EXPECT_TRUE(clusters.Link(Key(1), Key(2), 0));
  EXPECT_TRUE(clusters.Link(Key(3), Key(2), 0));
  EXPECT_FALSE(clusters.Link(Key(5), Key(6), 0));
  EXPECT_TRUE(clusters.Link(Key(3), Key(6), 0));
  EXPECT_FALSE(clusters.Link(Key(3), Key(7), 0));
  EXPECT_TRUE(clusters.Link(Key(1), Key(6), 0)) << "both are there";
  EXPECT_EQ(clusters.points(), 4u);
  EXPECT_THAT(NumbersOf(clusters.Take()[0]), ElementsAre(1, 2, 3, 6));
  EXPECT_THAT(DuplicateClusters(4).Take(), IsEmpty());
}

TEST(DuplicateClusters, AreTheConnectedPartsOfAnyLinks) {
  std::mt19937 random(3);
  for (int round = 0; round < 50; ++round) {
    const uint64_t points = 2 + random() % 60;
    DuplicateClusters clusters(points);
    std::vector<uint64_t> part(points);
    std::iota(part.begin(), part.end(), 0);
    std::vector<bool> is_linked(points);
    for (uint64_t link = random() % (points + 1); link > 0; --link) {
      const uint64_t a = random() % points;
      const uint64_t b = (a + 1 + random() % (points - 1)) % points;
      clusters.Link(Key(a), Key(b), 1);
      is_linked[a] = is_linked[b] = true;
      const uint64_t gone = part[b];
      for (uint64_t& one : part) one = one == gone ? part[a] : one;
    }
    std::map<uint64_t, std::vector<uint64_t>> expected;
    for (uint64_t n = 0; n < points; ++n) {
      if (is_linked[n]) expected[part[n]].push_back(n);
    }
    std::vector<std::vector<uint64_t>> wanted;
    for (auto& [name, numbers] : expected) wanted.push_back(numbers);
    std::vector<std::vector<uint64_t>> got;
    for (const auto& cluster : clusters.Take()) got.push_back(NumbersOf(cluster));
    EXPECT_THAT(got, ::testing::UnorderedElementsAreArray(wanted));
  }
}

}  // namespace
}  // namespace kith::coordinator
