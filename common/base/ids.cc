#include "common/base/ids.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <random>

#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith {

uint16_t SlotOf(const PointKey& key) {
  return static_cast<uint16_t>(XXH3_64bits(key.bytes.data(), PointKey::kSize) % limits::kSlots);
}

uint64_t SampleHash(uint64_t seed, const PointKey& key) {
  return XXH3_64bits_withSeed(key.bytes.data(), PointKey::kSize, seed);
}

Uuid Uuid::Random() {
  std::random_device device;
  Uuid uuid;
  for (size_t i = 0; i < uuid.bytes.size(); i += 4) {
    const uint32_t word = device();
    for (size_t j = 0; j < 4; ++j) uuid.bytes[i + j] = static_cast<uint8_t>(word >> (8 * j));
  }
  uuid.bytes[6] = static_cast<uint8_t>((uuid.bytes[6] & 0x0f) | 0x40);
  uuid.bytes[8] = static_cast<uint8_t>((uuid.bytes[8] & 0x3f) | 0x80);
  return uuid;
}

absl::StatusOr<Uuid> Uuid::Parse(std::string_view text) {
  const bool dashes =
      text.size() == 36 && text[8] == '-' && text[13] == '-' && text[18] == '-' && text[23] == '-';
  std::string hex(text);
  std::erase(hex, '-');
  const bool digits =
      hex.size() == 32 && hex.find_first_not_of("0123456789abcdefABCDEF") == std::string::npos;
  if (!dashes || !digits) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadId,
                 fmt::format("not a UUID (8-4-4-4-12 hex digits): {}", text.substr(0, 64)));
  }
  const std::string bytes = absl::HexStringToBytes(hex);
  Uuid uuid;
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

std::string Uuid::ToString() const {
  const std::string hex = absl::BytesToHexString(ToAbsl(view()));
  return fmt::format("{}-{}-{}-{}-{}", hex.substr(0, 8), hex.substr(8, 4), hex.substr(12, 4),
                     hex.substr(16, 4), hex.substr(20));
}

std::string PointKeyToString(const PointKey& key) {
  if (key.is_number()) return fmt::format("{}", key.number());
  Uuid uuid;
  std::copy(key.bytes.begin() + 1, key.bytes.end(), uuid.bytes.begin());
  return uuid.ToString();
}

absl::StatusOr<PointKey> ParsePointKey(std::string_view text) {
  const bool digits =
      !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
  uint64_t number = 0;
  if (digits && absl::SimpleAtoi(ToAbsl(text), &number)) return PointKey::FromNumber(number);
  KITH_ASSIGN_OR_RETURN(const Uuid uuid, Uuid::Parse(text));
  return PointKey::FromUuid(uuid.view());
}

}  // namespace kith
