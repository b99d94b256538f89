#include "common/payload/field_value.h"

#include <bit>
#include <cmath>

namespace kith {
namespace {

constexpr uint64_t kSign = uint64_t{1} << 63;

std::string BigEndian(uint64_t value) {
  std::string bytes(8, '\0');
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(value >> (56 - 8 * i));
  return bytes;
}

std::string EncodeInteger(int64_t value) { return BigEndian(static_cast<uint64_t>(value) ^ kSign); }

// Negative numbers have all their bits turned, or the larger ones would come first.
std::string EncodeDouble(double value) {
  const auto bits = std::bit_cast<uint64_t>(value + 0.0);  // -0 becomes 0
  return BigEndian((bits & kSign) != 0 ? ~bits : bits | kSign);
}

uint64_t FromBigEndian(std::string_view bytes) {
  uint64_t value = 0;
  for (const char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

// Whether the number is the same as a double.
std::optional<double> AsDouble(const FieldValue& value) {
  if (const double* number = std::get_if<double>(&value)) {
    if (std::isnan(*number)) return std::nullopt;
    return *number;
  }
  const int64_t* const whole = std::get_if<int64_t>(&value);
  if (whole == nullptr) return std::nullopt;
  const auto number = static_cast<double>(*whole);
  // 2^63 itself would not fit on the way back.
  if (number >= 0x1p63 || static_cast<int64_t>(number) != *whole) return std::nullopt;
  return number;
}

}  // namespace

FieldType TypeOf(const FieldValue& value) { return static_cast<FieldType>(value.index() + 1); }

std::optional<std::string> EncodeAs(FieldType type, const FieldValue& value) {
  switch (type) {
    case FieldType::kKeyword:
      if (const auto* text = std::get_if<std::string>(&value)) return *text;
      return std::nullopt;
    case FieldType::kInteger:
      if (const auto* number = std::get_if<int64_t>(&value)) return EncodeInteger(*number);
      return std::nullopt;
    case FieldType::kDouble: {
      const std::optional<double> number = AsDouble(value);
      if (!number.has_value()) return std::nullopt;
      return EncodeDouble(*number);
    }
    case FieldType::kBoolean:
      if (const auto* truth = std::get_if<bool>(&value)) return std::string(1, *truth ? 1 : 0);
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<FieldValue> DecodeAs(FieldType type, std::string_view bytes) {
  switch (type) {
    case FieldType::kKeyword:
      return FieldValue(std::string(bytes));
    case FieldType::kInteger:
      if (bytes.size() != sizeof(int64_t)) return std::nullopt;
      return FieldValue(static_cast<int64_t>(FromBigEndian(bytes) ^ kSign));
    case FieldType::kDouble: {
      if (bytes.size() != sizeof(double)) return std::nullopt;
      const uint64_t bits = FromBigEndian(bytes);
      return FieldValue(std::bit_cast<double>((bits & kSign) != 0 ? bits ^ kSign : ~bits));
    }
    case FieldType::kBoolean:
      if (bytes.size() != 1) return std::nullopt;
      return FieldValue(bytes.front() != 0);
  }
  return std::nullopt;
}

}  // namespace kith
