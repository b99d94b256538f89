#include "common/payload/payload_values.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/payload/field_value.h"

namespace kith {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const PayloadSchema kSchema = {{"color", FieldType::kKeyword},
                               {"year", FieldType::kInteger},
                               {"price", FieldType::kDouble},
                               {"new", FieldType::kBoolean}};

std::vector<IndexedValue> ValuesOf(std::string_view payload) {
  const auto values = ReadIndexedValues(payload, kSchema);
  EXPECT_TRUE(values.ok()) << values.status();
  return values.ok() ? *values : std::vector<IndexedValue>();
}

std::string Refusal(std::string_view payload) {
  const auto values = ReadIndexedValues(payload, kSchema);
  EXPECT_EQ(ReasonOf(values.status()), reason::kBadPayload) << payload;
  return std::string(values.status().message());
}

IndexedValue Value(uint16_t field, const FieldValue& value) {
  return {field, *EncodeAs(kSchema[field].type, value)};
}

TEST(PayloadValues, EachIndexedFieldGivesItsValueAndTheOthersNone) {
  EXPECT_THAT(ValuesOf(R"({"year": 1999, "other": [1, {"color": "no"}], "color": "red",
                           "new": true, "price": 3})"),
              ElementsAre(Value(0, std::string("red")), Value(1, int64_t{1999}), Value(2, 3.0),
                          Value(3, true)));
}

TEST(PayloadValues, WhatFitsIsReadAsBeforeWhateverElseAPayloadHolds) {
  const char* const fitting[] = {R"({"color": ["a", "b", "a"], "year": 3, "price": 2.5})", "{}", "",
                                 R"({"new": null, "x": {"year": "y"}})"};
  for (const char* payload : fitting) {
    const FittingValues read = ReadFittingValues(payload, kSchema);
    EXPECT_EQ(read.values, ValuesOf(payload)) << payload;
    EXPECT_TRUE(read.misfits.none()) << payload;
  }
  const struct {
    std::string payload;
    std::string misfits;  // by place, the last first
  } cases[] = {{R"({"year": "x", "color": "red", "price": 3})", "0010"},
               {R"({"year": {"year": 3}, "color": "red", "price": 3})", "0010"},
               {R"({"year": [3, [4], {"price": 5}], "color": "red", "price": 3})", "0010"},
               {R"({"color": ["red", 4, {"a": "b"}, ["c"]], "year": 1})", "0001"},
               {R"({"year": 1, "color": "red", "year": 2, "price": 3})", "0010"},
               {R"({"color": ")" + std::string(limits::kKeywordBytesMax + 1, 'k') + "\"}", "0001"},
               {"[1]", "1111"},
               {"{\"year\": 3", "1111"},
               {"\x01", "1111"}};
  for (const auto& [payload, misfits] : cases) {
    const FittingValues read = ReadFittingValues(payload, kSchema);
    EXPECT_EQ(read.misfits.to_string().substr(limits::kPayloadFieldsMax - 4), misfits) << payload;
    EXPECT_FALSE(ReadIndexedValues(payload, kSchema).ok()) << payload;
    for (const IndexedValue& value : read.values) EXPECT_FALSE(read.misfits[value.field]);
    if (misfits == "0010") {
      EXPECT_THAT(read.values, ElementsAre(Value(0, std::string("red")), Value(2, 3.0))) << payload;
    }
  }
}

TEST(PayloadValues, AFreePlaceIsNobodys) {
  const PayloadSchema schema = {{"", FieldType::kKeyword, FieldState::kFree},
                                {"gone", FieldType::kInteger, FieldState::kDropping},
                                {"year", FieldType::kInteger, FieldState::kBuilding}};
  const auto values = ReadIndexedValues(R"({"": "x", "gone": "y", "year": 3})", schema);
  ASSERT_TRUE(values.ok()) << values.status();
  ASSERT_EQ(values->size(), 1u);
  EXPECT_EQ(values->front().field, 2);
  EXPECT_TRUE(CheckSchema(schema).ok());
  EXPECT_FALSE(HasIndexedFields({schema[0], schema[1]}));
}

TEST(PayloadValues, AnEmptyPayloadAnAbsentFieldAndNullHaveNoValue) {
  EXPECT_THAT(ValuesOf(""), IsEmpty());
  EXPECT_THAT(ValuesOf("{}"), IsEmpty());
  EXPECT_THAT(ValuesOf(R"({"color": null, "x": null})"), IsEmpty());
}

TEST(PayloadValues, AListOfKeywordsGivesEachOnce) {
  EXPECT_THAT(ValuesOf(R"({"color": ["red", "blue", "red"]})"),
              ElementsAre(Value(0, std::string("blue")), Value(0, std::string("red"))));
}

TEST(PayloadValues, AFieldOfAnObjectInsideIsAnother) {
  EXPECT_THAT(ValuesOf(R"({"a": {"color": 3}, "b": [{"year": "x"}]})"), IsEmpty());
}

TEST(PayloadValues, WithoutASchemaAPayloadIsBytes) {
  EXPECT_TRUE(ReadIndexedValues("\xff no json", {})->empty());
}

TEST(PayloadValues, AValueOfAnotherTypeIsRefusedNamingTheField) {
  EXPECT_THAT(Refusal(R"({"color": 3})"), HasSubstr("field color holds a whole number"));
  EXPECT_THAT(Refusal(R"({"year": "1999"})"), HasSubstr("field year holds a string"));
  EXPECT_THAT(Refusal(R"({"year": 3.0})"), HasSubstr("field year"));
  EXPECT_THAT(Refusal(R"({"year": 9223372036854775808})"), HasSubstr("field year"));
  EXPECT_THAT(Refusal(R"({"price": true})"), HasSubstr("field price holds a boolean"));
  EXPECT_THAT(Refusal(R"({"price": 9007199254740993})"), HasSubstr("field price"));
  EXPECT_THAT(Refusal(R"({"new": 1})"), HasSubstr("field new"));
  EXPECT_THAT(Refusal(R"({"color": {}})"), HasSubstr("field color holds an object"));
  EXPECT_THAT(Refusal(R"({"color": ["red", 3]})"), HasSubstr("field color"));
  EXPECT_THAT(Refusal(R"({"color": ["red", null]})"), HasSubstr("null in a list"));
  EXPECT_THAT(Refusal(R"({"color": [["red"]]})"), HasSubstr("a list in a list"));
  EXPECT_THAT(Refusal(R"({"year": [1]})"), HasSubstr("field year holds a list"));
}

TEST(PayloadValues, WhatIsNoJsonObjectIsRefused) {
  for (const char* payload : {"3", "null", "[]", "\"x\"", "true"}) {
    EXPECT_THAT(Refusal(payload), HasSubstr("no JSON object")) << payload;
  }
  for (const char* payload :
       {"{", "{\"color\": \"red\"} x", "{'a': 1}", "{\"a\": 1e999}", "{\"color\": \"\xff\"}"}) {
    EXPECT_THAT(Refusal(payload), HasSubstr("no valid JSON")) << payload;
  }
}

TEST(PayloadValues, AnIndexedFieldThatComesTwiceIsRefused) {
  EXPECT_THAT(Refusal(R"({"year": 1, "year": 2})"), HasSubstr("field year comes twice"));
  EXPECT_THAT(Refusal(R"({"year": null, "year": 2})"), HasSubstr("field year comes twice"));
}

TEST(PayloadValues, NestingKeywordsAndListsHaveLimits) {
  std::string deep = R"({"x": )";
  for (uint32_t i = 0; i < limits::kPayloadDepthMax; ++i) deep += "[";
  EXPECT_THAT(Refusal(deep), HasSubstr("deep"));
  const std::string longest(limits::kKeywordBytesMax, 'x');
  EXPECT_EQ(ValuesOf("{\"color\": \"" + longest + "\"}").size(), 1u);
  EXPECT_THAT(Refusal("{\"color\": \"" + longest + "x\"}"), HasSubstr("field color has 257"));
  std::string many = "{\"color\": [\"0\"";
  for (uint32_t i = 1; i < limits::kKeywordsPerFieldMax; ++i) {
    many += ",\"" + std::to_string(i) + "\"";
  }
  EXPECT_EQ(ValuesOf(many + "]}").size(), limits::kKeywordsPerFieldMax);
  EXPECT_THAT(Refusal(many + ",\"x\"]}"), HasSubstr("field color lists more"));
}

}  // namespace
}  // namespace kith
