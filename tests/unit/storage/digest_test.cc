#include "shard/storage/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace kith::storage {
namespace {

std::vector<Digest> SomeDigests() {
  std::vector<Digest> digests;
  for (uint64_t i = 0; i < 100; ++i) {
    digests.push_back(PointDigest(PointKey::FromNumber(i), i % 7 + 1, i * i));
  }
  return digests;
}

TEST(DigestTest, TheSumDoesNotDependOnTheOrder) {
  std::vector<Digest> digests = SomeDigests();
  Digest forward;
  for (const Digest& digest : digests) forward.Add(digest);
  std::shuffle(digests.begin(), digests.end(), std::mt19937(1));
  Digest shuffled;
  for (const Digest& digest : digests) shuffled.Add(digest);
  EXPECT_EQ(forward, shuffled);
}

TEST(DigestTest, SubtractingUndoesAddingAcrossTheCarry) {
  const Digest before{~uint64_t{0}, 5};
  Digest digest = before;
  digest.Add({2, 1});
  EXPECT_EQ(digest, (Digest{1, 7}));
  digest.Subtract({2, 1});
  EXPECT_EQ(digest, before);
}

TEST(DigestTest, EveryPartOfAPointCounts) {
  const Digest digest = PointDigest(PointKey::FromNumber(1), 2, 3);
  EXPECT_NE(digest, PointDigest(PointKey::FromNumber(2), 2, 3));
  EXPECT_NE(digest, PointDigest(PointKey::FromNumber(1), 3, 3));
  EXPECT_NE(digest, PointDigest(PointKey::FromNumber(1), 2, 4));
}

TEST(DigestTest, AByteThatMovesFromVectorToPayloadChangesTheContent) {
  EXPECT_NE(ContentHash("abc", "d"), ContentHash("ab", "cd"));
  EXPECT_NE(ContentHash("abc", ""), ContentHash("", "abc"));
}

// Frozen: the digests of a whole collection are compared across versions of the program.
TEST(DigestTest, TheValuesNeverChange) {
  EXPECT_EQ(ContentHash("vector", "payload"), 0xca66fdc3fe5177f8ull);
  const Digest digest = PointDigest(PointKey::FromNumber(42), 7, 0x0123456789abcdefull);
  EXPECT_EQ(digest, (Digest{0x8081a6292273ff8cull, 0x31a77068e874c6afull}));
}

}  // namespace
}  // namespace kith::storage
