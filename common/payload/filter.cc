#include "common/payload/filter.h"

#include <cstring>

namespace kith {
namespace {

void AppendNumber(uint64_t number, std::string& bytes) {
  char raw[sizeof(number)];
  std::memcpy(raw, &number, sizeof(raw));
  bytes.append(raw, sizeof(raw));
}

void AppendText(const std::string& text, std::string& bytes) {
  AppendNumber(text.size(), bytes);
  bytes.append(text);
}

void AppendValue(const FieldValue& value, std::string& bytes) {
  const FieldType type = TypeOf(value);
  bytes.push_back(static_cast<char>(type));
  AppendText(EncodeAs(type, value).value_or(""), bytes);
}

void AppendBound(const std::optional<Filter::Bound>& bound, std::string& bytes) {
  bytes.push_back(!bound.has_value() ? 0 : bound->is_inclusive ? 2 : 1);
  if (bound.has_value()) AppendValue(bound->value, bytes);
}

void Append(const Filter& filter, std::string& bytes) {
  bytes.push_back(static_cast<char>(filter.kind));
  AppendText(filter.field, bytes);
  AppendNumber(filter.values.size(), bytes);
  for (const FieldValue& value : filter.values) AppendValue(value, bytes);
  AppendBound(filter.low, bytes);
  AppendBound(filter.high, bytes);
  AppendText(filter.keys, bytes);
  AppendNumber(filter.parts.size(), bytes);
  for (const Filter& part : filter.parts) Append(part, bytes);
}

}  // namespace

std::string FilterBytes(const Filter& filter) {
  std::string bytes;
  Append(filter, bytes);
  return bytes;
}

}  // namespace kith
