#include "common/payload/field_value.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace kith {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <typename Value>
void ExpectBytesInOrder(FieldType type, const std::vector<Value>& ascending) {
  for (size_t i = 1; i < ascending.size(); ++i) {
    const auto before = EncodeAs(type, FieldValue(ascending[i - 1]));
    const auto after = EncodeAs(type, FieldValue(ascending[i]));
    ASSERT_TRUE(before.has_value() && after.has_value());
    EXPECT_LT(*before, *after) << i;
  }
}

TEST(FieldValue, TheOrderOfTheBytesIsTheOrderOfTheIntegers) {
  constexpr int64_t kLeast = std::numeric_limits<int64_t>::min();
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max();
  ExpectBytesInOrder<int64_t>(FieldType::kInteger,
                              {kLeast, kLeast + 1, -256, -255, -1, 0, 1, 255, 256, kMost});
}

TEST(FieldValue, TheOrderOfTheBytesIsTheOrderOfTheDoubles) {
  ExpectBytesInOrder<double>(FieldType::kDouble, {-kInfinity, -1e300, -2, -1.5, -1e-310, 0, 1e-310,
                                                  0.1, 1, 1e300, kInfinity});
}

TEST(FieldValue, TheBytesSayWhichValueTheyAreOf) {
  const std::vector<std::pair<FieldType, FieldValue>> values = {
      {FieldType::kKeyword, std::string("red\0blue", 8)},
      {FieldType::kKeyword, std::string()},
      {FieldType::kInteger, std::numeric_limits<int64_t>::min()},
      {FieldType::kInteger, int64_t{-1}},
      {FieldType::kInteger, std::numeric_limits<int64_t>::max()},
      {FieldType::kDouble, -kInfinity},
      {FieldType::kDouble, -1e-310},
      {FieldType::kDouble, 0.0},
      {FieldType::kDouble, 1.5},
      {FieldType::kBoolean, true},
      {FieldType::kBoolean, false}};
  for (const auto& [type, value] : values) EXPECT_EQ(DecodeAs(type, *EncodeAs(type, value)), value);
}

TEST(FieldValue, MinusZeroIsZero) {
  EXPECT_EQ(EncodeAs(FieldType::kDouble, -0.0), EncodeAs(FieldType::kDouble, 0.0));
}

TEST(FieldValue, AWholeNumberIsADoubleWhereADoubleHoldsIt) {
  EXPECT_EQ(EncodeAs(FieldType::kDouble, int64_t{3}), EncodeAs(FieldType::kDouble, 3.0));
  EXPECT_FALSE(EncodeAs(FieldType::kDouble, (int64_t{1} << 53) + 1).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kDouble, std::numeric_limits<int64_t>::max()).has_value());
}

TEST(FieldValue, NothingElseIsConverted) {
  EXPECT_FALSE(EncodeAs(FieldType::kInteger, 3.0).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kInteger, true).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kBoolean, int64_t{1}).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kKeyword, int64_t{1}).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kDouble, std::string("1")).has_value());
  EXPECT_FALSE(EncodeAs(FieldType::kDouble, std::nan("")).has_value());
}

// On disk.
TEST(FieldValue, TheBytesAreThese) {
  EXPECT_EQ(EncodeAs(FieldType::kInteger, int64_t{-2}), "\x7f\xff\xff\xff\xff\xff\xff\xfe");
  EXPECT_EQ(EncodeAs(FieldType::kDouble, 1.5), std::string("\xbf\xf8\0\0\0\0\0\0", 8));
  EXPECT_EQ(EncodeAs(FieldType::kBoolean, true), "\x01");
  EXPECT_EQ(EncodeAs(FieldType::kKeyword, std::string("red")), "red");
}

}  // namespace
}  // namespace kith
