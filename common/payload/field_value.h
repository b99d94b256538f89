#ifndef KITH_COMMON_PAYLOAD_FIELD_VALUE_H_
#define KITH_COMMON_PAYLOAD_FIELD_VALUE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "common/payload/payload_schema.h"

namespace kith {

// Of a payload's field, or what a filter compares it with: keyword, integer, double, boolean.
using FieldValue = std::variant<std::string, int64_t, double, bool>;

// The type that the value itself has.
FieldType TypeOf(const FieldValue& value);

// Bytes whose order is the order of the values of one type: a keyword as it is, numbers as eight
// bytes, a boolean as one. Absent where the value is not of that type: a whole number is a double
// too where a double holds it exactly, and nothing else is converted; NaN is no value. -0 is 0. On
// disk, in posting keys: never change.
std::optional<std::string> EncodeAs(FieldType type, const FieldValue& value);
// What EncodeAs was given; absent for bytes that it does not make.
std::optional<FieldValue> DecodeAs(FieldType type, std::string_view bytes);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_FIELD_VALUE_H_
