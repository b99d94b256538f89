#include "index/content_hash.h"

#include <gtest/gtest.h>

#include <bit>
#include <random>
#include <set>
#include <string>

namespace kith::index {
namespace {

std::string RandomText(size_t size) {
  std::mt19937 bits(static_cast<uint32_t>(size));
  std::string text(size, 0);
  for (char& byte : text) byte = static_cast<char>(bits());
  return text;
}

TEST(ContentHashTest, IsFrozen) {
  EXPECT_EQ(HexDigits(HashContent("")), "4bd811f71989f5edc8c59ad88076b339");
  EXPECT_EQ(HexDigits(HashContent("kith")), "a41576f74c27370d40f72d6b275c8cb7");
  EXPECT_EQ(HexDigits(HashContent("the nearest neighbours of a photo")),
            "3887e8cb5663139f8358516fff38b699");
}

TEST(ContentHashTest, EveryFlippedBitChangesBothLanes) {
  for (size_t size : {1, 7, 8, 9, 40, 65}) {
    std::string text = RandomText(size);
    const ContentHash before = HashContent(text);
    for (size_t bit = 0; bit < 8 * size; ++bit) {
      text[bit / 8] ^= static_cast<char>(1 << bit % 8);
      const ContentHash after = HashContent(text);
      EXPECT_NE(after[0], before[0]) << size << " " << bit;
      EXPECT_NE(after[1], before[1]) << size << " " << bit;
      text[bit / 8] ^= static_cast<char>(1 << bit % 8);
    }
  }
}

TEST(ContentHashTest, AFlippedBitChangesHalfOfTheHash) {
  std::string text = RandomText(512);
  const ContentHash before = HashContent(text);
  int changed = 0;
  for (size_t bit = 0; bit < 4096; ++bit) {
    text[bit / 8] ^= static_cast<char>(1 << bit % 8);
    const ContentHash after = HashContent(text);
    changed += std::popcount(before[0] ^ after[0]) + std::popcount(before[1] ^ after[1]);
    text[bit / 8] ^= static_cast<char>(1 << bit % 8);
  }
  EXPECT_NEAR(changed / 4096.0, 64, 0.5);
}

TEST(ContentHashTest, ZerosOfEveryLengthDiffer) {
  std::set<ContentHash> seen;
  for (size_t size = 0; size < 300; ++size) seen.insert(HashContent(std::string(size, '\0')));
  EXPECT_EQ(seen.size(), 300u);
}

TEST(ContentHashTest, SwappedWordsDiffer) {
  const std::string first = RandomText(8);
  const std::string second = "neighbor";
  EXPECT_NE(HashContent(first + second), HashContent(second + first));
}

}  // namespace
}  // namespace kith::index
