#include "common/rpc/filter_messages.h"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"

namespace kith::rpc {
namespace {

constexpr size_t kUuidBytes = 16;

absl::Status Bad(std::string_view field, std::string_view message) {
  return FieldError(field, reason::kBadFilter, message);
}

absl::StatusOr<FieldValue> ValueFromProto(const v1::FieldValue& value, const std::string& at) {
  switch (value.value_case()) {
    case v1::FieldValue::kKeyword:
      return FieldValue(value.keyword());
    case v1::FieldValue::kInteger:
      return FieldValue(int64_t{value.integer()});
    case v1::FieldValue::kNumber:
      return FieldValue(value.number());
    case v1::FieldValue::kBoolean:
      return FieldValue(value.boolean());
    case v1::FieldValue::VALUE_NOT_SET:
      break;
  }
  return Bad(at, "is missing; name one of keyword, integer, number and boolean");
}

absl::StatusOr<std::optional<Filter::Bound>> BoundFromProto(const v1::FieldValue* exclusive,
                                                            const v1::FieldValue* inclusive,
                                                            const std::string& at) {
  if (exclusive == nullptr && inclusive == nullptr) return std::optional<Filter::Bound>();
  KITH_ASSIGN_OR_RETURN(FieldValue value,
                        ValueFromProto(inclusive != nullptr ? *inclusive : *exclusive, at));
  return std::optional<Filter::Bound>({std::move(value), inclusive != nullptr});
}

absl::StatusOr<Filter> RangeFromProto(const v1::RangeCondition& range, const std::string& at) {
  Filter filter;
  filter.kind = Filter::Kind::kRange;
  filter.field = range.field();
  KITH_ASSIGN_OR_RETURN(filter.low, BoundFromProto(range.has_gt() ? &range.gt() : nullptr,
                                                   range.has_gte() ? &range.gte() : nullptr,
                                                   at + (range.has_gte() ? ".gte" : ".gt")));
  KITH_ASSIGN_OR_RETURN(filter.high, BoundFromProto(range.has_lt() ? &range.lt() : nullptr,
                                                    range.has_lte() ? &range.lte() : nullptr,
                                                    at + (range.has_lte() ? ".lte" : ".lt")));
  return filter;
}

// Before anything is made of them: an empty message is two bytes on the wire and a hundred here.
absl::Status CheckCount(const std::string& at, const char* what, int count) {
  if (count <= static_cast<int>(limits::kFilterValuesMax)) return absl::OkStatus();
  return Bad(fmt::format("{}.{}", at, what),
             fmt::format("has {} {}, must have 1 to {}", count, what, limits::kFilterValuesMax));
}

absl::StatusOr<Filter> IdsFromProto(const v1::HasIdCondition& has_id, const std::string& at) {
  KITH_RETURN_IF_ERROR(CheckCount(at, "ids", has_id.ids_size()));
  Filter filter;
  filter.kind = Filter::Kind::kHasId;
  filter.keys.reserve(static_cast<size_t>(has_id.ids_size()) * PointKey::kSize);
  for (int i = 0; i < has_id.ids_size(); ++i) {
    const v1::PointId& id = has_id.ids(i);
    if (id.has_number()) {
      filter.keys.append(PointKey::FromNumber(id.number()).view());
    } else if (id.uuid().size() == kUuidBytes) {
      filter.keys.append(PointKey::FromUuid(id.uuid()).view());
    } else {
      return FieldError(fmt::format("{}.ids[{}]", at, i), reason::kBadId,
                        "must be a number or a UUID of exactly 16 bytes");
    }
  }
  return filter;
}

absl::StatusOr<Filter> MatchFromProto(const v1::MatchCondition& match, const std::string& at) {
  Filter filter;
  filter.kind = Filter::Kind::kMatch;
  filter.field = match.field();
  KITH_ASSIGN_OR_RETURN(FieldValue value, ValueFromProto(match.value(), at + ".value"));
  filter.values.push_back(std::move(value));
  return filter;
}

absl::StatusOr<Filter> MatchAnyFromProto(const v1::MatchAnyCondition& match,
                                         const std::string& at) {
  KITH_RETURN_IF_ERROR(CheckCount(at, "values", match.values_size()));
  Filter filter;
  filter.kind = Filter::Kind::kMatch;
  filter.field = match.field();
  for (int i = 0; i < match.values_size(); ++i) {
    KITH_ASSIGN_OR_RETURN(FieldValue value,
                          ValueFromProto(match.values(i), fmt::format("{}.values[{}]", at, i)));
    filter.values.push_back(std::move(value));
  }
  return filter;
}

class FilterReader {
 public:
  absl::StatusOr<Filter> Read(const v1::Filter& filter, const std::string& at, uint32_t depth) {
    KITH_RETURN_IF_ERROR(Admit(at, depth));
    switch (filter.condition_case()) {
      case v1::Filter::kMatch:
        return MatchFromProto(filter.match(), at + ".match");
      case v1::Filter::kMatchAny:
        return MatchAnyFromProto(filter.match_any(), at + ".match_any");
      case v1::Filter::kRange:
        return RangeFromProto(filter.range(), at + ".range");
      case v1::Filter::kExists: {
        Filter exists;
        exists.kind = Filter::Kind::kExists;
        exists.field = filter.exists().field();
        return exists;
      }
      case v1::Filter::kHasId:
        return IdsFromProto(filter.has_id(), at + ".has_id");
      case v1::Filter::kAllOf:
        return ReadList(filter.all_of(), Filter::Kind::kAllOf, at + ".all_of", depth);
      case v1::Filter::kAnyOf:
        return ReadList(filter.any_of(), Filter::Kind::kAnyOf, at + ".any_of", depth);
      case v1::Filter::kNoneOf:
        return ReadList(filter.none_of(), Filter::Kind::kNoneOf, at + ".none_of", depth);
      case v1::Filter::CONDITION_NOT_SET:
        break;
    }
    return Bad(at,
               "names no condition; name one of match, match_any, range, exists, has_id, all_of, "
               "any_of and none_of");
  }

 private:
  // All of a filter's conditions are counted here too, though CheckFilter does so: lists of 256
  // within lists of 256 would be gigabytes before they are checked.
  absl::Status Admit(const std::string& at, uint32_t depth) {
    if (depth > limits::kFilterDepthMax) {
      return Bad(at, fmt::format("is nested more than {} deep; write it flatter: all_of within "
                                 "all_of, and any_of within any_of, are one list",
                                 limits::kFilterDepthMax));
    }
    if (++conditions_ <= limits::kFilterConditionsMax) return absl::OkStatus();
    return Bad(at, fmt::format("the filter has more than {} conditions; several values of one "
                               "field are one match_any",
                               limits::kFilterConditionsMax));
  }

  absl::StatusOr<Filter> ReadList(const v1::FilterList& list, Filter::Kind kind,
                                  const std::string& at, uint32_t depth) {
    if (list.filters_size() > static_cast<int>(limits::kFilterConditionsMax)) {
      return Bad(at,
                 fmt::format("has {} conditions, a filter has at most {}; several values of one "
                             "field are one match_any",
                             list.filters_size(), limits::kFilterConditionsMax));
    }
    Filter filter;
    filter.kind = kind;
    for (int i = 0; i < list.filters_size(); ++i) {
      KITH_ASSIGN_OR_RETURN(Filter part,
                            Read(list.filters(i), fmt::format("{}.filters[{}]", at, i), depth + 1));
      filter.parts.push_back(std::move(part));
    }
    return filter;
  }

  uint32_t conditions_ = 0;
};

void RangeToProto(const Filter& filter, v1::RangeCondition* to) {
  to->set_field(filter.field);
  if (filter.low.has_value()) {
    ValueToProto(filter.low->value,
                 filter.low->is_inclusive ? to->mutable_gte() : to->mutable_gt());
  }
  if (filter.high.has_value()) {
    ValueToProto(filter.high->value,
                 filter.high->is_inclusive ? to->mutable_lte() : to->mutable_lt());
  }
}

void IdsToProto(const std::string& keys, v1::HasIdCondition* to) {
  for (size_t at = 0; at + PointKey::kSize <= keys.size(); at += PointKey::kSize) {
    const PointKey key = PointKey::FromBytes(keys.data() + at);
    if (key.is_number()) {
      to->add_ids()->set_number(key.number());
    } else {
      to->add_ids()->set_uuid(std::string(key.uuid()));
    }
  }
}

void PartsToProto(const std::vector<Filter>& parts, v1::FilterList* to) {
  for (const Filter& part : parts) FilterToProto(part, to->add_filters());
}

}  // namespace

void ValueToProto(const FieldValue& value, v1::FieldValue* to) {
  if (const auto* text = std::get_if<std::string>(&value)) to->set_keyword(*text);
  if (const auto* number = std::get_if<int64_t>(&value)) to->set_integer(*number);
  if (const auto* number = std::get_if<double>(&value)) to->set_number(*number);
  if (const auto* truth = std::get_if<bool>(&value)) to->set_boolean(*truth);
}

absl::StatusOr<Filter> FilterFromProto(const v1::Filter& filter, std::string_view at) {
  return FilterReader().Read(filter, std::string(at), 1);
}

void FilterToProto(const Filter& filter, v1::Filter* to) {
  switch (filter.kind) {
    case Filter::Kind::kAllOf:
      return PartsToProto(filter.parts, to->mutable_all_of());
    case Filter::Kind::kAnyOf:
      return PartsToProto(filter.parts, to->mutable_any_of());
    case Filter::Kind::kNoneOf:
      return PartsToProto(filter.parts, to->mutable_none_of());
    case Filter::Kind::kMatch:
      to->mutable_match_any()->set_field(filter.field);
      for (const FieldValue& value : filter.values) {
        ValueToProto(value, to->mutable_match_any()->add_values());
      }
      return;
    case Filter::Kind::kRange:
      return RangeToProto(filter, to->mutable_range());
    case Filter::Kind::kExists:
      to->mutable_exists()->set_field(filter.field);
      return;
    case Filter::Kind::kHasId:
      return IdsToProto(filter.keys, to->mutable_has_id());
  }
}

PayloadSchema SchemaFromProto(const FieldMessages& fields) {
  PayloadSchema schema;
  for (const v1::PayloadField& field : fields) {
    schema.push_back({field.name(), static_cast<FieldType>(field.type())});
  }
  return schema;
}

void SchemaToProto(const PayloadSchema& schema, FieldMessages* to) {
  for (const PayloadField& field : schema) {
    if (field.state == FieldState::kFree) continue;
    v1::PayloadField* const message = to->Add();
    message->set_name(field.name);
    message->set_type(static_cast<v1::FieldType>(field.type));
    message->set_state(static_cast<v1::PayloadField::State>(field.state));
    if (field.state == FieldState::kBuilding) message->set_built_ratio(field.built_share);
  }
}

}  // namespace kith::rpc
