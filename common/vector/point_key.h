#ifndef KITH_COMMON_VECTOR_POINT_KEY_H_
#define KITH_COMMON_VECTOR_POINT_KEY_H_

#include <array>
#include <compare>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace kith {

// The name of a point as it is stored: a kind byte and 16 bytes, big-endian, so that the order of
// the bytes is the order of the ids. On disk: never change.
struct PointKey {
  static constexpr size_t kSize = 17;
  static constexpr uint8_t kNumber = 1;
  static constexpr uint8_t kUuid = 2;

  std::array<uint8_t, kSize> bytes{};

  static PointKey FromNumber(uint64_t number) {
    PointKey key;
    key.bytes[0] = kNumber;
    for (int i = 0; i < 8; ++i) key.bytes[9 + i] = static_cast<uint8_t>(number >> (56 - 8 * i));
    return key;
  }
  // `uuid` has 16 bytes.
  static PointKey FromUuid(std::string_view uuid) {
    PointKey key;
    key.bytes[0] = kUuid;
    std::memcpy(key.bytes.data() + 1, uuid.data(), 16);
    return key;
  }
  // `bytes` has kSize bytes.
  static PointKey FromBytes(const void* bytes) {
    PointKey key;
    std::memcpy(key.bytes.data(), bytes, kSize);
    return key;
  }

  bool is_number() const { return bytes[0] == kNumber; }
  uint64_t number() const {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | bytes[9 + i];
    return value;
  }
  std::string_view uuid() const { return {reinterpret_cast<const char*>(bytes.data()) + 1, 16}; }
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), kSize}; }

  auto operator<=>(const PointKey&) const = default;
};

}  // namespace kith

#endif  // KITH_COMMON_VECTOR_POINT_KEY_H_
