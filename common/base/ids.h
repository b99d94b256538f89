#ifndef KITH_COMMON_BASE_IDS_H_
#define KITH_COMMON_BASE_IDS_H_

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "common/vector/point_key.h"

namespace kith {

// The slot of a point: XXH3-64 of its key, modulo 4096. Frozen by golden values: it decides where
// every point of every collection lives.
uint16_t SlotOf(const PointKey& key);

// The order in which points are drawn into a training sample: independent of the layout.
uint64_t SampleHash(uint64_t seed, const PointKey& key);

// A random UUID (version 4), made from the system's randomness.
struct Uuid {
  std::array<uint8_t, 16> bytes{};

  static Uuid Random();
  static absl::StatusOr<Uuid> Parse(std::string_view text);  // 8-4-4-4-12 hex
  std::string ToString() const;
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), 16}; }
  bool operator==(const Uuid&) const = default;
};

// "42" or "8-4-4-4-12", as the command line and messages write a point's id.
std::string PointKeyToString(const PointKey& key);
absl::StatusOr<PointKey> ParsePointKey(std::string_view text);

}  // namespace kith

#endif  // KITH_COMMON_BASE_IDS_H_
