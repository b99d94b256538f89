#include "common/payload/filter_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"

namespace kith {
namespace {

using Kind = Filter::Kind;

absl::Status Bad(std::string_view field, std::string_view message) {
  return FieldError(field, reason::kBadFilter, message);
}

const char* NameOfList(Kind kind) {
  return kind == Kind::kAllOf ? "all_of" : kind == Kind::kAnyOf ? "any_of" : "none_of";
}

class FilterChecker {
 public:
  explicit FilterChecker(const PayloadSchema& schema) : schema_(schema) {}

  absl::Status Check(const Filter& filter, const std::string& at, uint32_t depth) {
    if (depth > limits::kFilterDepthMax) {
      return Bad(at, fmt::format("is nested more than {} deep; write it flatter: all_of within "
                                 "all_of, and any_of within any_of, are one list",
                                 limits::kFilterDepthMax));
    }
    if (++conditions_ > limits::kFilterConditionsMax) {
      return Bad(at, fmt::format("the filter has more than {} conditions; several values of one "
                                 "field are one match_any",
                                 limits::kFilterConditionsMax));
    }
    switch (filter.kind) {
      case Kind::kAllOf:
      case Kind::kAnyOf:
      case Kind::kNoneOf:
        return CheckParts(filter, at + "." + NameOfList(filter.kind), depth);
      case Kind::kMatch:
        return CheckMatch(filter, at);
      case Kind::kRange:
        return CheckRange(filter, at + ".range");
      case Kind::kExists:
        return FieldOf(filter, at + ".exists").status();
      case Kind::kHasId:
        return CheckIds(filter, at + ".has_id");
    }
    return Bad(at,
               "names no condition; name one of match, match_any, range, exists, has_id, "
               "all_of, any_of and none_of");
  }

 private:
  absl::Status CheckParts(const Filter& filter, const std::string& at, uint32_t depth) {
    if (filter.parts.empty()) return Bad(at, "is empty; name a condition or leave it out");
    for (size_t i = 0; i < filter.parts.size(); ++i) {
      KITH_RETURN_IF_ERROR(Check(filter.parts[i], fmt::format("{}.filters[{}]", at, i), depth + 1));
    }
    return absl::OkStatus();
  }

  absl::StatusOr<const PayloadField*> FieldOf(const Filter& filter, const std::string& at) const {
    const auto place = FindField(schema_, filter.field);
    if (place.has_value()) {
      KITH_RETURN_IF_ERROR(CheckBuilt(schema_[*place]));
      return &schema_[*place];
    }
    const auto first = std::find_if(schema_.begin(), schema_.end(),
                                    [](const PayloadField& field) { return field.is_indexed(); });
    return Bad(at + ".field",
               first == schema_.end()
                   ? fmt::format("{} has no index: this collection indexes no payload field; add "
                                 "one with CreatePayloadIndex",
                                 filter.field)
                   : fmt::format("{} has no index; {} fields of this collection have one (see "
                                 "GetCollection), the first is {}; CreatePayloadIndex adds one",
                                 filter.field,
                                 std::count_if(schema_.begin(), schema_.end(),
                                               [](const auto& f) { return f.is_indexed(); }),
                                 first->name));
  }

  absl::Status CheckValue(const PayloadField& field, const FieldValue& value,
                          const std::string& at) const {
    const auto encoded = EncodeAs(field.type, value);
    if (!encoded.has_value()) {
      return Bad(at, fmt::format("is of type {}, field {} is indexed as {}; send a value that this "
                                 "type holds exactly",
                                 NameOf(TypeOf(value)), field.name, NameOf(field.type)));
    }
    if (encoded->size() <= limits::kKeywordBytesMax) return absl::OkStatus();
    return Bad(at, fmt::format("has {} bytes, a keyword has at most {}", encoded->size(),
                               limits::kKeywordBytesMax));
  }

  absl::Status CheckMatch(const Filter& filter, const std::string& at) const {
    const bool is_one = filter.values.size() == 1;
    const std::string here = at + (is_one ? ".match" : ".match_any");
    KITH_ASSIGN_OR_RETURN(const PayloadField* field, FieldOf(filter, here));
    if (filter.values.empty() || filter.values.size() > limits::kFilterValuesMax) {
      return Bad(here + ".values", fmt::format("has {} values, must have 1 to {}",
                                               filter.values.size(), limits::kFilterValuesMax));
    }
    for (size_t i = 0; i < filter.values.size(); ++i) {
      KITH_RETURN_IF_ERROR(
          CheckValue(*field, filter.values[i],
                     is_one ? here + ".value" : fmt::format("{}.values[{}]", here, i)));
    }
    return absl::OkStatus();
  }

  absl::Status CheckRange(const Filter& filter, const std::string& at) const {
    KITH_ASSIGN_OR_RETURN(const PayloadField* field, FieldOf(filter, at));
    if (!filter.low.has_value() && !filter.high.has_value()) {
      return Bad(at, "has no bound; name one, or ask with exists");
    }
    if (field->type == FieldType::kBoolean) {
      return Bad(at,
                 fmt::format("field {} is a boolean, which has no range; use match", field->name));
    }
    if (filter.low.has_value()) {
      KITH_RETURN_IF_ERROR(
          CheckValue(*field, filter.low->value, at + (filter.low->is_inclusive ? ".gte" : ".gt")));
    }
    if (!filter.high.has_value()) return absl::OkStatus();
    return CheckValue(*field, filter.high->value,
                      at + (filter.high->is_inclusive ? ".lte" : ".lt"));
  }

  static absl::Status CheckIds(const Filter& filter, const std::string& at) {
    const size_t ids = filter.keys.size() / PointKey::kSize;
    if (ids >= 1 && ids <= limits::kFilterValuesMax && filter.keys.size() % PointKey::kSize == 0) {
      return absl::OkStatus();
    }
    return Bad(at + ".ids",
               fmt::format("has {} ids, must have 1 to {}", ids, limits::kFilterValuesMax));
  }

  const PayloadSchema& schema_;
  uint32_t conditions_ = 0;
};

}  // namespace

absl::Status CheckFilter(const Filter& filter, const PayloadSchema& schema, std::string_view at) {
  return FilterChecker(schema).Check(filter, std::string(at), 1);
}

}  // namespace kith
