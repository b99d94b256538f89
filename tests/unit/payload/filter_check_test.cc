#include "common/payload/filter_check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"

namespace kith {
namespace {

using ::testing::HasSubstr;
using Kind = Filter::Kind;

const PayloadSchema kChecked = {{"color", FieldType::kKeyword},
                                {"year", FieldType::kInteger},
                                {"price", FieldType::kDouble},
                                {"new", FieldType::kBoolean}};

Filter Match(const std::string& field, std::vector<FieldValue> values) {
  Filter filter;
  filter.kind = Kind::kMatch;
  filter.field = field;
  filter.values = std::move(values);
  return filter;
}

Filter List(Kind kind, std::vector<Filter> parts) {
  Filter filter;
  filter.kind = kind;
  filter.parts = std::move(parts);
  return filter;
}

Filter AtLeast(const std::string& field, const FieldValue& value) {
  Filter filter;
  filter.kind = Kind::kRange;
  filter.field = field;
  filter.low = {value, true};
  return filter;
}

Filter Red() { return Match("color", {std::string("red")}); }

// "field: message".
std::string Refusal(const Filter& filter) {
  const absl::Status status = CheckFilter(filter, kChecked, "filter");
  EXPECT_EQ(ReasonOf(status), reason::kBadFilter);
  return FactOf(status, kFieldFact).value_or("") + ": " + std::string(status.message());
}

TEST(FilterCheck, ConditionsOnIndexedFieldsPass) {
  Filter exists;
  exists.kind = Kind::kExists;
  exists.field = "new";
  Filter ids;
  ids.kind = Kind::kHasId;
  ids.keys = PointKey::FromNumber(3).view();
  const Filter filter =
      List(Kind::kAnyOf, {Red(), AtLeast("price", int64_t{3}), AtLeast("year", int64_t{1}),
                          List(Kind::kNoneOf, {exists, ids}), Match("new", {true, false})});
  EXPECT_TRUE(CheckFilter(filter, kChecked, "filter").ok());
}

TEST(FilterCheck, AFieldWithoutAnIndexIsNamedWithTheRemedy) {
  EXPECT_THAT(Refusal(List(Kind::kAllOf, {Red(), Match("size", {int64_t{1}})})),
              AllOf(HasSubstr("filter.all_of.filters[1].match.field: "), HasSubstr("size"),
                    HasSubstr("has no index")));
  const absl::Status none = CheckFilter(Red(), {}, "filter");
  EXPECT_THAT(std::string(none.message()), HasSubstr("add one with CreatePayloadIndex"));
}

TEST(FilterCheck, AValueOfAnotherTypeIsNamed) {
  EXPECT_THAT(Refusal(Match("color", {int64_t{3}})), HasSubstr("filter.match.value: "));
  EXPECT_THAT(Refusal(Match("color", {std::string("red"), int64_t{3}})),
              AllOf(HasSubstr("filter.match_any.values[1]"), HasSubstr("is of type integer"),
                    HasSubstr("indexed as keyword")));
  EXPECT_THAT(Refusal(AtLeast("year", 3.5)), HasSubstr("filter.range.gte: "));
  EXPECT_THAT(Refusal(AtLeast("new", true)), HasSubstr("which has no range"));
}

TEST(FilterCheck, SixteenDeepPassesAndSeventeenDoesNot) {
  Filter filter = Red();
  for (uint32_t i = 1; i < limits::kFilterDepthMax; ++i) filter = List(Kind::kNoneOf, {filter});
  EXPECT_TRUE(CheckFilter(filter, kChecked, "filter").ok());
  EXPECT_THAT(Refusal(List(Kind::kAllOf, {filter})), HasSubstr("nested more than 16 deep"));
}

TEST(FilterCheck, TwoHundredAndFiftySixConditionsPassAndOneMoreDoesNot) {
  const std::vector<Filter> parts(limits::kFilterConditionsMax - 1, Red());
  EXPECT_TRUE(CheckFilter(List(Kind::kAnyOf, parts), kChecked, "filter").ok());
  EXPECT_THAT(Refusal(List(Kind::kAnyOf, std::vector<Filter>(300, Red()))),
              HasSubstr("more than 256 conditions"));
}

TEST(FilterCheck, ListsOfValuesAndIdsHaveLimits) {
  const std::vector<FieldValue> most(limits::kFilterValuesMax, FieldValue(int64_t{1}));
  EXPECT_TRUE(CheckFilter(Match("year", most), kChecked, "filter").ok());
  EXPECT_THAT(Refusal(Match("year", std::vector<FieldValue>(1001, FieldValue(int64_t{1})))),
              HasSubstr("filter.match_any.values: "));
  EXPECT_THAT(Refusal(Match("year", {})), HasSubstr("0 values"));
  Filter ids;
  ids.kind = Kind::kHasId;
  EXPECT_THAT(Refusal(ids), HasSubstr("filter.has_id.ids: "));
  EXPECT_THAT(Refusal(Match("color", {std::string(300, 'x')})), HasSubstr("has 300 bytes"));
}

TEST(FilterCheck, AnEmptyListAndARangeWithoutABoundSayNothing) {
  EXPECT_THAT(Refusal(List(Kind::kAllOf, {})), HasSubstr("filter.all_of: "));
  Filter range;
  range.kind = Kind::kRange;
  range.field = "year";
  EXPECT_THAT(Refusal(range), HasSubstr("has no bound"));
}

TEST(FilterCheck, FiltersThatDifferHaveOtherBytes) {
  Filter above = AtLeast("year", int64_t{1});
  above.low->is_inclusive = false;
  const std::vector<Filter> filters = {Red(),
                                       Match("color", {std::string("blue")}),
                                       Match("colo", {std::string("rred")}),
                                       AtLeast("year", int64_t{1}),
                                       above,
                                       AtLeast("year", 1.0),
                                       List(Kind::kAllOf, {Red()}),
                                       List(Kind::kNoneOf, {Red()}),
                                       List(Kind::kAllOf, {Red(), Red()})};
  for (const Filter& a : filters) {
    for (const Filter& b : filters) EXPECT_EQ(FilterBytes(a) == FilterBytes(b), a == b);
  }
}

}  // namespace
}  // namespace kith
