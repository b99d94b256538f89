#ifndef KITH_SHARD_STORAGE_STATE_KEYS_H_
#define KITH_SHARD_STORAGE_STATE_KEYS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/byte_codec.h"
#include "common/payload/payload_values.h"
#include "common/vector/point_key.h"

// The keys of both databases; docs/formats.md has them as a table. On disk: never change one.
namespace kith::storage {

template <size_t kBytes>
struct FixedKey {
  std::array<char, kBytes> bytes;
  std::string_view view() const { return {bytes.data(), kBytes}; }
};

// Log: shard | lsn.
struct LogKey {
  static constexpr size_t kSize = 16;
  uint64_t shard = 0;
  uint64_t lsn = 0;

  std::string Encode() const {
    std::string key(kSize, '\0');
    PutBigEndian(PutBigEndian(key.data(), shard), lsn);
    return key;
  }
  static LogKey Parse(const char* key) {
    return {GetBigEndian<uint64_t>(key), GetBigEndian<uint64_t>(key + 8)};
  }
};

// rows: row.
inline FixedKey<4> RowKey(uint32_t row) {
  FixedKey<4> key;
  PutBigEndian(key.bytes.data(), row);
  return key;
}

// ids: slot | point, so that a slot's points are one range.
using IdKeyBytes = FixedKey<2 + PointKey::kSize>;
inline IdKeyBytes IdKey(uint16_t slot, const PointKey& point) {
  IdKeyBytes key;
  std::memcpy(PutBigEndian(key.bytes.data(), slot), point.bytes.data(), PointKey::kSize);
  return key;
}

// dead: lsn | row.
inline FixedKey<12> DeadKey(uint64_t lsn, uint32_t row) {
  FixedKey<12> key;
  PutBigEndian(PutBigEndian(key.bytes.data(), lsn), row);
  return key;
}

// postings: field | value | row, so that a value's rows are one range.
inline std::string PostingKey(const IndexedValue& value, uint32_t row) {
  std::string key(2 + value.value.size() + 4, '\0');
  char* const text = PutBigEndian(key.data(), value.field);
  std::memcpy(text, value.value.data(), value.value.size());
  PutBigEndian(text + value.value.size(), row);
  return key;
}

// sys: one letter.
inline constexpr std::string_view kAppliedKey = "a";
inline constexpr std::string_view kManifestKey = "m";
inline constexpr std::string_view kFieldsKey = "p";
inline constexpr std::string_view kDedupeCountKey = "c";
inline constexpr std::string_view kFormatKey = "f";
inline constexpr std::string_view kDigestsKey = "d";  // merged, digest_merge.h

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_STATE_KEYS_H_
