#ifndef KITH_COMMON_BASE_BYTE_CODEC_H_
#define KITH_COMMON_BASE_BYTE_CODEC_H_

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

// Fixed-width integers in files and databases: big-endian in keys, so that the order of the bytes
// is the order of the numbers, little-endian in values and files.
namespace kith {

static_assert(std::endian::native == std::endian::little, "the formats are written natively");

template <std::unsigned_integral T>
char* PutBigEndian(char* out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) {
    out[i] = static_cast<char>(value >> (8 * (sizeof(T) - 1 - i)));
  }
  return out + sizeof(T);
}

template <std::unsigned_integral T>
T GetBigEndian(const char* in) {
  T value = 0;
  for (size_t i = 0; i < sizeof(T); ++i) {
    value = static_cast<T>(value << 8) | static_cast<uint8_t>(in[i]);
  }
  return value;
}

template <std::unsigned_integral T>
char* PutLittleEndian(char* out, T value) {
  std::memcpy(out, &value, sizeof(T));
  return out + sizeof(T);
}

template <std::unsigned_integral T>
T GetLittleEndian(const char* in) {
  T value;
  std::memcpy(&value, in, sizeof(T));
  return value;
}

template <std::unsigned_integral T>
void AppendLittleEndian(std::string& out, T value) {
  char bytes[sizeof(T)];
  PutLittleEndian(bytes, value);
  out.append(bytes, sizeof(T));
}

}  // namespace kith

#endif  // KITH_COMMON_BASE_BYTE_CODEC_H_
