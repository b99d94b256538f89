#include "tests/fuzz/walked_filter.h"

#include <algorithm>
#include <utility>

namespace kith::fuzz {
namespace {

using Kind = Filter::Kind;

double NumberIn(const FieldValue& value) {
  const int64_t* const whole = std::get_if<int64_t>(&value);
  return whole != nullptr ? static_cast<double>(*whole) : std::get<double>(value);
}

template <typename Value>
Value ValueIn(const FieldValue& value) {
  if constexpr (std::is_same_v<Value, double>) {
    return NumberIn(value);
  } else {
    return std::get<Value>(value);
  }
}

template <typename Value>
bool HasOne(const Filter& filter, const Value& value) {
  return std::any_of(filter.values.begin(), filter.values.end(),
                     [&](const FieldValue& one) { return ValueIn<Value>(one) == value; });
}

template <typename Value>
bool IsWithin(const Filter& filter, const Value& value) {
  if (filter.low.has_value()) {
    const Value low = ValueIn<Value>(filter.low->value);
    if (filter.low->is_inclusive ? value < low : value <= low) return false;
  }
  if (!filter.high.has_value()) return true;
  const Value high = ValueIn<Value>(filter.high->value);
  return filter.high->is_inclusive ? value <= high : value < high;
}

// Whether one of the point's values in the field is what `wants` wants.
template <typename Wants>
bool AnyValue(const std::string& field, const WalkedPoint& point, const Wants& wants) {
  if (field == "tags") return std::any_of(point.tags.begin(), point.tags.end(), wants);
  if (field == "year") return point.year.has_value() && wants(*point.year);
  if (field == "price") return point.price.has_value() && wants(*point.price);
  return point.is_new.has_value() && wants(*point.is_new);
}

bool HasId(const std::string& keys, const PointKey& key) {
  for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
    if (PointKey::FromBytes(keys.data() + at) == key) return true;
  }
  return false;
}

Filter Condition(Kind kind, const char* field) {
  Filter filter;
  filter.kind = kind;
  filter.field = field;
  return filter;
}

Filter Match(const char* field, std::vector<FieldValue> values) {
  Filter filter = Condition(Kind::kMatch, field);
  filter.values = std::move(values);
  return filter;
}

Filter Range(const char* field, std::optional<Filter::Bound> low,
             std::optional<Filter::Bound> high) {
  Filter filter = Condition(Kind::kRange, field);
  filter.low = std::move(low);
  filter.high = std::move(high);
  return filter;
}

Filter List(Kind kind, std::vector<Filter> parts) {
  Filter filter;
  filter.kind = kind;
  filter.parts = std::move(parts);
  return filter;
}

Filter Ids() {
  Filter filter;
  filter.kind = Kind::kHasId;
  for (const uint64_t number : {3, 10, 77, 9999})
    filter.keys += PointKey::FromNumber(number).view();
  filter.keys += PointKey::FromUuid("0123456789abcdef").view();
  return filter;
}

}  // namespace

const PayloadSchema kWalkedSchema = {{"tags", FieldType::kKeyword},
                                     {"year", FieldType::kInteger},
                                     {"price", FieldType::kDouble},
                                     {"new", FieldType::kBoolean}};

bool Passes(const Filter& filter, const WalkedPoint& point) {
  const auto part_passes = [&](const Filter& part) { return Passes(part, point); };
  switch (filter.kind) {
    case Kind::kAllOf:
      return std::all_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kAnyOf:
      return std::any_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kNoneOf:
      return std::none_of(filter.parts.begin(), filter.parts.end(), part_passes);
    case Kind::kMatch:
      return AnyValue(filter.field, point,
                      [&](const auto& value) { return HasOne(filter, value); });
    case Kind::kRange:
      return AnyValue(filter.field, point,
                      [&](const auto& value) { return IsWithin(filter, value); });
    case Kind::kExists:
      return AnyValue(filter.field, point, [](const auto&) { return true; });
    case Kind::kHasId:
      return HasId(filter.keys, point.key);
  }
  return false;
}

std::vector<Filter> WalkedFilters() {
  const std::vector<Filter> single = {Match("tags", {std::string("red"), std::string("a\0b", 3)}),
                                      Match("year", {int64_t{7}, int64_t{-70}}),
                                      Match("price", {0.0, int64_t{3}, -4.875}),
                                      Match("new", {true}),
                                      Range("year", {{int64_t{-5}, true}}, {{int64_t{20}, false}}),
                                      Range("price", {{-1.5, false}}, {}),
                                      Range("tags", {}, {{std::string("c"), true}}),
                                      Condition(Kind::kExists, "new"),
                                      Ids()};
  std::vector<Filter> filters = single;
  filters.push_back(List(Kind::kAllOf, {single[0], List(Kind::kNoneOf, {single[4], single[8]})}));
  filters.push_back(List(Kind::kAnyOf, single));
  filters.push_back(List(Kind::kNoneOf, {List(Kind::kAllOf, {single[7], single[3]})}));
  return filters;
}

}  // namespace kith::fuzz
