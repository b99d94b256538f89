#include "common/payload/filter_match.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include "common/payload/field_value.h"

namespace kith {
namespace {

using Kind = Filter::Kind;

bool IsAbove(std::string_view value, const Filter::Bound& low, FieldType type) {
  const std::optional<std::string> bound = EncodeAs(type, low.value);
  return bound.has_value() && (low.is_inclusive ? value >= *bound : value > *bound);
}

bool IsBelow(std::string_view value, const Filter::Bound& high, FieldType type) {
  const std::optional<std::string> bound = EncodeAs(type, high.value);
  return bound.has_value() && (high.is_inclusive ? value <= *bound : value < *bound);
}

bool ValuePasses(std::string_view value, const Filter& filter, FieldType type) {
  if (filter.kind == Kind::kExists) return true;
  if (filter.kind == Kind::kRange) {
    return (!filter.low.has_value() || IsAbove(value, *filter.low, type)) &&
           (!filter.high.has_value() || IsBelow(value, *filter.high, type));
  }
  return std::any_of(filter.values.begin(), filter.values.end(),
                     [&](const FieldValue& one) { return EncodeAs(type, one) == value; });
}

bool FieldPasses(const FilteredPoint& point, const Filter& filter, const PayloadSchema& schema) {
  const auto field = FindField(schema, filter.field);
  if (!field.has_value()) return false;
  return std::any_of(point.values.begin(), point.values.end(), [&](const IndexedValue& value) {
    return value.field == *field && ValuePasses(value.value, filter, schema[*field].type);
  });
}

bool IsNamed(const PointKey& key, std::string_view keys) {
  for (size_t at = 0; at < keys.size(); at += PointKey::kSize) {
    if (keys.substr(at, PointKey::kSize) == key.view()) return true;
  }
  return false;
}

}  // namespace

bool Passes(const FilteredPoint& point, const Filter& filter, const PayloadSchema& schema) {
  const auto passes = [&](const Filter& part) { return Passes(point, part, schema); };
  switch (filter.kind) {
    case Kind::kAllOf:
      return std::all_of(filter.parts.begin(), filter.parts.end(), passes);
    case Kind::kAnyOf:
      return std::any_of(filter.parts.begin(), filter.parts.end(), passes);
    case Kind::kNoneOf:
      return std::none_of(filter.parts.begin(), filter.parts.end(), passes);
    case Kind::kMatch:
    case Kind::kRange:
    case Kind::kExists:
      return FieldPasses(point, filter, schema);
    case Kind::kHasId:
      return IsNamed(point.key, filter.keys);
  }
  return false;
}

}  // namespace kith
