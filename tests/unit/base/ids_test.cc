#include "common/base/ids.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

// Where every point of every collection lives: a change here loses data. Never edit a value.
TEST(SlotOfTest, TheSlotsOfKnownKeysNeverChange) {
  const auto number = [](uint64_t id) { return SlotOf(PointKey::FromNumber(id)); };
  EXPECT_EQ(number(0), 392);
  EXPECT_EQ(number(1), 1457);
  EXPECT_EQ(number(42), 3992);
  EXPECT_EQ(number(std::numeric_limits<uint64_t>::max()), 2501);
  const auto uuid = Uuid::Parse("00112233-4455-6677-8899-aabbccddeeff");
  ASSERT_TRUE(uuid.ok());
  EXPECT_EQ(SlotOf(PointKey::FromUuid(uuid->view())), 1208);
}

TEST(SlotOfTest, NumbersSpreadOverAllSlots) {
  std::set<uint16_t> slots;
  for (uint64_t id = 0; id < 100'000; ++id) slots.insert(SlotOf(PointKey::FromNumber(id)));
  EXPECT_EQ(slots.size(), limits::kSlots);
  EXPECT_LT(*slots.rbegin(), limits::kSlots);
}

TEST(SampleHashTest, TheHashesOfKnownKeysNeverChange) {
  EXPECT_EQ(SampleHash(0, PointKey::FromNumber(1)), 7537978307245856177u);
  EXPECT_EQ(SampleHash(7, PointKey::FromNumber(1)), 6990102322635766587u);
}

TEST(UuidTest, TextAndBytesGoBothWays) {
  const std::string text = "00112233-4455-6677-8899-aabbccddeeff";
  const auto uuid = Uuid::Parse(text);
  ASSERT_TRUE(uuid.ok());
  EXPECT_EQ(uuid->bytes[0], 0x00);
  EXPECT_EQ(uuid->bytes[15], 0xff);
  EXPECT_EQ(uuid->ToString(), text);
  EXPECT_EQ(*Uuid::Parse("00112233-4455-6677-8899-AABBCCDDEEFF"), *uuid);
}

TEST(UuidTest, WhatIsNoUuidIsRefused) {
  for (const char* text :
       {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeefg", "0011223-34455-6677-8899-aabbccddeeff",
        "00112233-4455-6677-8899-aabbccddee-f"}) {
    const auto uuid = Uuid::Parse(text);
    EXPECT_EQ(uuid.status().code(), absl::StatusCode::kInvalidArgument) << text;
    EXPECT_EQ(ReasonOf(uuid.status()), reason::kBadId);
  }
}

TEST(UuidTest, RandomOnesDifferAndAreVersionFour) {
  std::set<std::string> seen;
  for (int i = 0; i < 100; ++i) {
    const Uuid uuid = Uuid::Random();
    EXPECT_EQ(uuid.bytes[6] >> 4, 4);
    EXPECT_EQ(uuid.bytes[8] >> 6, 2);
    seen.insert(uuid.ToString());
  }
  EXPECT_EQ(seen.size(), 100u);
}

TEST(PointKeyTest, TextAndKeyGoBothWays) {
  for (const char* text :
       {"0", "42", "18446744073709551615", "00112233-4455-6677-8899-aabbccddeeff"}) {
    const auto key = ParsePointKey(text);
    ASSERT_TRUE(key.ok()) << text;
    EXPECT_EQ(PointKeyToString(*key), text);
  }
  for (const char* text : {"", "-1", "1.5", "18446744073709551616", "abc"}) {
    EXPECT_FALSE(ParsePointKey(text).ok()) << text;
  }
}

TEST(PointKeyTest, TheOrderOfTheBytesIsTheOrderOfTheIds) {
  EXPECT_LT(PointKey::FromNumber(1), PointKey::FromNumber(256));
  EXPECT_LT(PointKey::FromNumber(~uint64_t{0}), PointKey::FromUuid(std::string(16, '\0')));
}

}  // namespace
}  // namespace kith
