#include "common/vector/half.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace kith {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

TEST(HalfTest, EveryHalfComesBackFromItsFloat) {
  for (uint32_t bits = 0; bits <= 0xffff; ++bits) {
    const auto half = static_cast<uint16_t>(bits);
    const float value = HalfToFloat(half);
    if (std::isnan(value)) {
      EXPECT_TRUE((half & 0x7c00) == 0x7c00 && (half & 0x3ff) != 0) << bits;
      EXPECT_TRUE(std::isnan(HalfToFloat(FloatToHalf(value))));
    } else {
      ASSERT_EQ(FloatToHalf(value), half) << bits;
    }
  }
}

// Between every two neighbours: below the middle down, above it up, in the middle to the even one.
TEST(HalfTest, RoundsToTheNearestAndTiesToEven) {
  for (uint32_t bits = 0; bits < 0x7bff; ++bits) {
    const auto low = static_cast<uint16_t>(bits);
    const auto high = static_cast<uint16_t>(bits + 1);
    const float middle = (HalfToFloat(low) + HalfToFloat(high)) / 2;  // exact in a float
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, 0.0f)), low) << bits;
    ASSERT_EQ(FloatToHalf(std::nextafter(middle, kInfinity)), high) << bits;
    ASSERT_EQ(FloatToHalf(middle), low % 2 == 0 ? low : high) << bits;
    ASSERT_EQ(FloatToHalf(-middle), 0x8000 | (low % 2 == 0 ? low : high)) << bits;
  }
}

TEST(HalfTest, TheEndsOfTheRangeAreInfinityAndZero) {
  EXPECT_EQ(FloatToHalf(65504), 0x7bff);
  EXPECT_EQ(FloatToHalf(std::nextafter(65520.0f, 0.0f)), 0x7bff);
  EXPECT_EQ(FloatToHalf(65520), 0x7c00) << "the middle to the even one, which is infinity";
  EXPECT_EQ(FloatToHalf(3e38f), 0x7c00);
  EXPECT_EQ(FloatToHalf(-kInfinity), 0xfc00);
  EXPECT_EQ(FloatToHalf(0x1p-24f), 0x0001) << "the smallest subnormal";
  EXPECT_EQ(FloatToHalf(0x1p-25f), 0x0000);
  EXPECT_EQ(FloatToHalf(0x1.8p-25f), 0x0001);
  EXPECT_EQ(FloatToHalf(-1e-40f), 0x8000);
}

}  // namespace
}  // namespace kith
