#include "cli/data/element_conversion.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::cli {
namespace {

constexpr float kHalfMax = 65504;

absl::Status RowError(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

float FloatAt(std::span<const std::byte> row, ElementType from, size_t i) {
  if (from == ElementType::kU8) return static_cast<float>(row[i]);
  float value;
  std::memcpy(&value, row.data() + 4 * i, 4);
  return value;
}

absl::Status CheckElement(float value, size_t i, ElementType to) {
  if (!std::isfinite(value)) {
    return RowError(reason::kNonFiniteVector,
                    fmt::format("element {} is {}, not a finite number", i, value));
  }
  if (to == ElementType::kU8 && (value < 0 || value > 255 || value != std::floor(value))) {
    return RowError(reason::kBadVector,
                    fmt::format("element {} is {}; a u8 collection takes whole numbers from 0 to "
                                "255",
                                i, value));
  }
  if (to == ElementType::kF16 && std::isinf(static_cast<float>(static_cast<_Float16>(value)))) {
    return RowError(
        reason::kNonFiniteVector,
        fmt::format("element {} is {}, beyond the largest f16 value {}", i, value, kHalfMax));
  }
  return absl::OkStatus();
}

// Stores the element; false where what is stored is zero.
bool StoreElement(float value, ElementType to, char* at) {
  if (to == ElementType::kU8) {
    *at = static_cast<char>(static_cast<uint8_t>(value));
    return value != 0;
  }
  if (to == ElementType::kF16) {
    const uint16_t half = HalfFromFloat(value);
    std::memcpy(at, &half, 2);
    return (half & 0x7fff) != 0;
  }
  std::memcpy(at, &value, 4);
  return value != 0;
}

}  // namespace

std::string_view NameOf(ElementType type) {
  return type == ElementType::kF32 ? "f32" : type == ElementType::kF16 ? "f16" : "u8";
}

std::string_view NameOf(Metric metric) {
  return metric == Metric::kL2 ? "l2" : metric == Metric::kInnerProduct ? "ip" : "cosine";
}

absl::Status CheckFits(const std::string& path, const FileShape& shape,
                       const VectorSchema& schema) {
  if (shape.dimension != schema.dimension) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kDimensionMismatch,
                 fmt::format("{}: its vectors have dimension {}, the collection has dimension {}",
                             path, shape.dimension, schema.dimension));
  }
  const bool text = !shape.rows.has_value();
  const bool has_fractions = shape.has_fractions && shape.element_type != ElementType::kU8;
  if (schema.element_type == ElementType::kU8 && has_fractions && !text) {
    return Error(absl::StatusCode::kInvalidArgument, reason::kBadVector,
                 fmt::format("{}: {} holds floating-point elements and the collection holds u8, "
                             "which would lose their fractions; convert the file to .u8bin or make "
                             "an f32 or f16 collection",
                             path, shape.format));
  }
  return absl::OkStatus();
}

uint16_t HalfFromFloat(float value) {
  const auto half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

absl::Status AppendConverted(std::span<const std::byte> row, ElementType from,
                             const VectorSchema& schema, std::string& out) {
  const size_t before = out.size();
  const size_t width = ElementSize(schema.element_type);
  out.resize(before + schema.row_bytes());
  bool has_direction = false;
  for (size_t i = 0; i < schema.dimension; ++i) {
    const float value = FloatAt(row, from, i);
    if (from != ElementType::kU8) {
      if (absl::Status bad = CheckElement(value, i, schema.element_type); !bad.ok()) {
        out.resize(before);
        return bad;
      }
    }
    has_direction |= StoreElement(value, schema.element_type, out.data() + before + i * width);
  }
  if (schema.metric == Metric::kCosine && !has_direction) {
    out.resize(before);
    return RowError(reason::kZeroVectorCosine,
                    "the vector is zero, which has no direction for cosine");
  }
  return absl::OkStatus();
}

}  // namespace kith::cli
