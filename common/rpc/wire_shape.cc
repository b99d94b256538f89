#include "common/rpc/wire_shape.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/point_key.h"

namespace kith::rpc {

absl::Status ShapeError(std::string_view field, std::string_view message) {
  return FieldError(field, reason::kBadRequest, message);
}

absl::Status CheckKeys(std::string_view keys, size_t count) {
  if (keys.size() != count * PointKey::kSize) {
    return ShapeError("keys", fmt::format("has {} bytes, expected {} keys of {} bytes", keys.size(),
                                          count, PointKey::kSize));
  }
  for (size_t i = 0; i < count; ++i) {
    const auto kind = static_cast<uint8_t>(keys[i * PointKey::kSize]);
    if (kind != PointKey::kNumber && kind != PointKey::kUuid) {
      return ShapeError("keys", fmt::format("kind {} of key {} is unknown", kind, i));
    }
  }
  return absl::OkStatus();
}

absl::Status CheckCount(std::string_view field, int size, size_t expected) {
  if (size == 0 || static_cast<size_t>(size) == expected) return absl::OkStatus();
  return ShapeError(field, fmt::format("has {} members, expected none or {}", size, expected));
}

absl::StatusOr<Uuid> UuidFromWire(std::string_view field, std::string_view bytes) {
  Uuid uuid;
  if (bytes.size() != uuid.bytes.size()) return ShapeError(field, "is not 16 bytes");
  std::copy(bytes.begin(), bytes.end(), uuid.bytes.begin());
  return uuid;
}

absl::StatusOr<Metric> MetricFromWire(int value) {
  if (value < 1 || value > static_cast<int>(Metric::kCosine)) {
    return ShapeError("metric", fmt::format("{} is unknown", value));
  }
  return static_cast<Metric>(value);
}

absl::StatusOr<ElementType> ElementTypeFromWire(int value) {
  if (value < 1 || value > static_cast<int>(ElementType::kU8)) {
    return ShapeError("element_type", fmt::format("{} is unknown", value));
  }
  return static_cast<ElementType>(value);
}

}  // namespace kith::rpc
