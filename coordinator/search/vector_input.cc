#include "coordinator/search/vector_input.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/vector/half.h"

namespace kith::coordinator {
namespace {

static_assert(std::endian::native == std::endian::little, "vectors travel little-endian");

constexpr uint32_t kFloatExponent = 0x7f800000u;
constexpr uint16_t kHalfExponent = 0x7c00u;

absl::Status Invalid(std::string_view reason, std::string_view message) {
  return Error(absl::StatusCode::kInvalidArgument, reason, message);
}

// Bytes of a message need not be aligned: every element is loaded by memcpy, which costs nothing.
template <typename T>
T Load(const char* elements, size_t i) {
  T value;
  std::memcpy(&value, elements + i * sizeof(T), sizeof(T));
  return value;
}

const char* TypeName(ElementType type) {
  return type == ElementType::kF32 ? "f32" : type == ElementType::kF16 ? "f16" : "u8";
}

// No branch inside, so that the compiler makes vector instructions of it: every row passes here.
template <typename Bits>
bool AllFinite(const char* elements, size_t count, Bits exponent) {
  Bits bad = 0;
  for (size_t i = 0; i < count; ++i) {
    bad |= static_cast<Bits>((Load<Bits>(elements, i) & exponent) == exponent);
  }
  return bad == 0;
}

absl::Status NonFinite(const char* elements, const VectorShape& shape, ElementType type) {
  for (size_t i = 0; i < shape.dimension; ++i) {
    const float value = type == ElementType::kF32 ? Load<float>(elements, i)
                                                  : HalfToFloat(Load<uint16_t>(elements, i));
    if (std::isfinite(value)) continue;
    return Invalid(reason::kNonFiniteVector,
                   fmt::format("element {} is {}; every element must be a finite number", i,
                               std::isnan(value) ? "NaN" : "infinite"));
  }
  return absl::OkStatus();
}

absl::Status CheckFinite(const char* elements, const VectorShape& shape, ElementType type) {
  const bool finite =
      type == ElementType::kU8 ||
      (type == ElementType::kF32 ? AllFinite<uint32_t>(elements, shape.dimension, kFloatExponent)
                                 : AllFinite<uint16_t>(elements, shape.dimension, kHalfExponent));
  return finite ? absl::OkStatus() : NonFinite(elements, shape, type);
}

absl::Status CheckForm(const VectorShape& shape, const VectorInput& input) {
  if (input.data.empty() && input.values.empty()) {
    return Invalid(
        reason::kBadVector,
        fmt::format("is missing; send {} elements as data or as values", shape.dimension));
  }
  if (!input.data.empty() && !input.values.empty()) {
    return Invalid(reason::kBadVector, "has both data and values; send one of them");
  }
  if (!input.values.empty() && input.values.size() != shape.dimension) {
    return Invalid(reason::kDimensionMismatch,
                   fmt::format("has {} elements, the collection has dimension {}",
                               input.values.size(), shape.dimension));
  }
  if (!input.data.empty() && input.data.size() != shape.stored_bytes()) {
    return Invalid(reason::kDimensionMismatch,
                   fmt::format("has {} bytes, a vector of this collection has {} ({} {} elements)",
                               input.data.size(), shape.stored_bytes(), shape.dimension,
                               TypeName(shape.element_type)));
  }
  return absl::OkStatus();
}

absl::Status AppendHalves(std::span<const float> values, std::string& out) {
  for (size_t i = 0; i < values.size(); ++i) {
    const uint16_t half = FloatToHalf(values[i]);
    if ((half & kHalfExponent) == kHalfExponent) {
      return Invalid(reason::kBadVector,
                     fmt::format("element {} is {}, beyond what f16 can hold (65504); scale the "
                                 "vectors or make the collection f32",
                                 i, values[i]));
    }
    out.append(reinterpret_cast<const char*>(&half), sizeof(half));
  }
  return absl::OkStatus();
}

absl::Status AppendBytes(std::span<const float> values, std::string& out) {
  for (size_t i = 0; i < values.size(); ++i) {
    if (!(values[i] >= 0 && values[i] <= 255) || values[i] != std::floor(values[i])) {
      return Invalid(reason::kBadVector,
                     fmt::format("element {} is {}; a u8 collection takes whole numbers from 0 to "
                                 "255",
                                 i, values[i]));
    }
    out.push_back(static_cast<char>(static_cast<uint8_t>(values[i])));
  }
  return absl::OkStatus();
}

absl::Status AppendValues(const VectorShape& shape, std::span<const float> values, ElementType to,
                          std::string& out) {
  const char* const elements = reinterpret_cast<const char*>(values.data());
  KITH_RETURN_IF_ERROR(CheckFinite(elements, shape, ElementType::kF32));
  if (to == ElementType::kF16) return AppendHalves(values, out);
  if (to == ElementType::kU8) return AppendBytes(values, out);
  out.append(elements, values.size_bytes());
  return absl::OkStatus();
}

absl::Status AppendElements(const VectorShape& shape, std::string_view data, ElementType to,
                            std::string& out) {
  KITH_RETURN_IF_ERROR(CheckFinite(data.data(), shape, shape.element_type));
  if (to == shape.element_type) {
    out.append(data);
    return absl::OkStatus();
  }
  for (size_t i = 0; i < shape.dimension; ++i) {  // f16 to f32
    const float value = HalfToFloat(Load<uint16_t>(data.data(), i));
    out.append(reinterpret_cast<const char*>(&value), sizeof(value));
  }
  return absl::OkStatus();
}

// In double, on four sums: one alone waits for each addition, and every row passes here.
template <typename Element>
double SquaredNorm(size_t count, Element element) {
  double sums[4] = {};
  for (size_t i = 0; i < count; ++i) {
    const double value = element(i);
    sums[i % 4] += value * value;
  }
  return sums[0] + sums[1] + sums[2] + sums[3];
}

double SquaredNormOf(const VectorShape& shape, const char* elements, ElementType type) {
  switch (type) {
    case ElementType::kF32:
      return SquaredNorm(shape.dimension, [&](size_t i) { return Load<float>(elements, i); });
    case ElementType::kF16:
      return SquaredNorm(shape.dimension,
                         [&](size_t i) { return HalfToFloat(Load<uint16_t>(elements, i)); });
    case ElementType::kU8:
      return SquaredNorm(shape.dimension, [&](size_t i) { return Load<uint8_t>(elements, i); });
  }
  return 0;
}

absl::Status CheckLength(const VectorShape& shape, const char* elements, ElementType type) {
  // The other types cannot hold a vector that is too long.
  const bool may_be_long = type == ElementType::kF32;
  if (shape.metric != Metric::kCosine && !may_be_long) return absl::OkStatus();
  const double squares = SquaredNormOf(shape, elements, type);
  if (squares > limits::kSquaredNormMax) {
    return Invalid(reason::kBadVector,
                   fmt::format("is too long: its elements' squares add up to {:g}, at most {:g} is "
                               "taken; scale the vectors down",
                               squares, limits::kSquaredNormMax));
  }
  // The shard keeps 1 / norm as a float: the square must be one too.
  if (shape.metric == Metric::kCosine && squares < std::numeric_limits<float>::min()) {
    return Invalid(reason::kZeroVectorCosine,
                   "is zero (or too short to have a direction), which has no cosine with anything; "
                   "leave it out or use another metric");
  }
  return absl::OkStatus();
}

}  // namespace

VectorShape ShapeOf(const CollectionRecord& record) {
  return {record.dimension, record.metric, record.element_type};
}

absl::Status AppendVector(const VectorShape& shape, const VectorInput& input, VectorUse use,
                          std::string& out) {
  KITH_RETURN_IF_ERROR(CheckForm(shape, input));
  const ElementType to =
      use == VectorUse::kStored ? shape.element_type : QueryType(shape.element_type);
  const size_t before = out.size();
  absl::Status status = input.data.empty() ? AppendValues(shape, input.values, to, out)
                                           : AppendElements(shape, input.data, to, out);
  if (status.ok()) status = CheckLength(shape, out.data() + before, to);
  if (!status.ok()) out.resize(before);
  return status;
}

absl::Status AtField(const absl::Status& error, std::string_view field) {
  if (error.ok()) return error;
  return FieldError(field, ReasonOf(error), std::string(error.message()));
}

}  // namespace kith::coordinator
