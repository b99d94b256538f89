#include "common/payload/payload_merge.h"

#include <gtest/gtest.h>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {
namespace {

std::string Merged(std::string_view stored, std::string_view change) {
  EXPECT_TRUE(CheckPayloadChange(change).ok()) << change;
  return MergePayload(stored, change).value_or("nothing");
}

TEST(PayloadMerge, ReplacesAFieldInItsPlaceAndAppendsANewOne) {
  EXPECT_EQ(Merged(R"({"a": 1, "b": "x", "c": [1, {"a": 2}]})", R"({"b": {"n": 7}, "d": true})"),
            R"({"a": 1,"b": {"n": 7},"c": [1, {"a": 2}],"d": true})");
}

TEST(PayloadMerge, NullTakesAFieldOutAndOneThatIsAbsentChangesNothing) {
  EXPECT_EQ(Merged(R"({"a": 1, "b": 2})", R"({"a": null, "z": null})"), R"({"b": 2})");
  EXPECT_EQ(Merged(R"({"a": 1})", R"({"a": null})"), "{}");
}

TEST(PayloadMerge, WhatIsNotNamedKeepsItsBytes) {
  const std::string_view stored = R"({"big": 123456789012345678901234567890, "e": 1.50E+2,
      "text": "a\"}b,\\", "deep": {"x": ["]", "}"]}})";
  EXPECT_EQ(Merged(stored, R"({"new": 1})"),
            R"({"big": 123456789012345678901234567890,"e": 1.50E+2,)"
            R"("text": "a\"}b,\\","deep": {"x": ["]", "}"]},"new": 1})");
}

TEST(PayloadMerge, NamesAreComparedAsWhatTheyMean) {
  EXPECT_EQ(Merged(R"({"\u0061b": 1})", R"({"ab": 2})"), R"({"ab": 2})");
  EXPECT_EQ(Merged(R"({"a": 1, "a": 2, "b": 3})", R"({"a": 9})"), R"({"a": 9,"b": 3})");
}

TEST(PayloadMerge, FieldsAreClearedByTheirNamesWhateverTheseHoldOfQuotes) {
  EXPECT_EQ(Merged(R"({"a\"b": 1, "c": 2, "d": 3})", ClearingChange({"a\"b", "d"})), R"({"c": 2})");
}

TEST(PayloadMerge, AnEmptyPayloadIsAnObjectWithoutFields) {
  EXPECT_EQ(Merged("", R"({"a":1})"), R"({"a":1})");
  EXPECT_EQ(Merged(" { } ", "{}"), "{}");
}

TEST(PayloadMerge, ThereIsNothingToMergeIntoWhereThePayloadIsNoObject) {
  for (const std::string_view stored : {"bytes", "[1]", "7", "{\"a\": ", "null"}) {
    EXPECT_FALSE(MergePayload(stored, "{}").has_value()) << stored;
  }
}

TEST(PayloadMerge, AChangeThatIsNoObjectOrNamesAFieldTwiceIsRefused) {
  for (const std::string_view change : {"", "[1]", "{", "x", "null", R"({"a":1,"\u0061":2})"}) {
    EXPECT_EQ(ReasonOf(CheckPayloadChange(change)), reason::kBadPayload) << change;
  }
}

}  // namespace
}  // namespace kith
