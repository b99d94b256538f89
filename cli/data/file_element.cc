#include "cli/data/file_element.h"

#include <cstring>

namespace kith::cli {
namespace {

template <typename Value>
Value ElementAt(std::span<const std::byte> bytes, size_t i) {
  Value value;
  std::memcpy(&value, bytes.data() + i * sizeof(Value), sizeof(Value));
  return value;
}

template <typename Value>
bool IsHeldExactly(Value value, float held) {
  // 2^24: up to here an f32 holds every whole number.
  constexpr int64_t kAlwaysHeld = 1 << 24;
  if constexpr (sizeof(Value) < 4) return true;
  if (value >= -kAlwaysHeld && value <= kAlwaysHeld) return true;
  // The float may be 2^63, which is no int64.
  return held < 9.2e18f && held > -9.2e18f && static_cast<int64_t>(held) == value;
}

template <typename Value>
size_t AppendWhole(std::span<const std::byte> bytes, std::vector<std::byte>& out) {
  const size_t count = bytes.size() / sizeof(Value);
  for (size_t i = 0; i < count; ++i) {
    const auto value = ElementAt<Value>(bytes, i);
    const auto held = static_cast<float>(value);
    if (!IsHeldExactly(value, held)) return i;
    const auto* at = reinterpret_cast<const std::byte*>(&held);
    out.insert(out.end(), at, at + sizeof(held));
  }
  return count;
}

template <typename Value>
size_t AppendRounded(std::span<const std::byte> bytes, std::vector<std::byte>& out) {
  const size_t count = bytes.size() / sizeof(Value);
  for (size_t i = 0; i < count; ++i) {
    const auto held = static_cast<float>(ElementAt<Value>(bytes, i));
    const auto* at = reinterpret_cast<const std::byte*>(&held);
    out.insert(out.end(), at, at + sizeof(held));
  }
  return count;
}

}  // namespace

size_t SizeOf(FileElement element) {
  switch (element) {
    case FileElement::kU8:
    case FileElement::kI8:
      return 1;
    case FileElement::kF16:
      return 2;
    case FileElement::kF64:
    case FileElement::kI64:
      return 8;
    default:
      return 4;
  }
}

std::string_view NameOf(FileElement element) {
  constexpr std::string_view kNames[] = {"f32", "f16", "f64", "u8", "i8", "i32", "i64"};
  return kNames[static_cast<size_t>(element)];
}

bool HasFractions(FileElement element) {
  return element == FileElement::kF32 || element == FileElement::kF16 ||
         element == FileElement::kF64;
}

ElementType LoadedType(FileElement element) {
  return element == FileElement::kU8 ? ElementType::kU8 : ElementType::kF32;
}

size_t AppendLoaded(FileElement element, std::span<const std::byte> bytes,
                    std::vector<std::byte>& out) {
  switch (element) {
    case FileElement::kF16:
      return AppendRounded<_Float16>(bytes, out);
    case FileElement::kF64:
      return AppendRounded<double>(bytes, out);
    case FileElement::kI8:
      return AppendWhole<int8_t>(bytes, out);
    case FileElement::kI32:
      return AppendWhole<int32_t>(bytes, out);
    case FileElement::kI64:
      return AppendWhole<int64_t>(bytes, out);
    default:
      out.insert(out.end(), bytes.begin(), bytes.end());
      return bytes.size() / SizeOf(element);
  }
}

}  // namespace kith::cli
