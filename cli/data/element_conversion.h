#ifndef KITH_CLI_DATA_ELEMENT_CONVERSION_H_
#define KITH_CLI_DATA_ELEMENT_CONVERSION_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "absl/status/status.h"
#include "cli/data/vector_reader.h"
#include "common/vector/element.h"
#include "common/vector/metric.h"

namespace kith::cli {

// What the rows of a collection are.
struct VectorSchema {
  ElementType element_type = ElementType::kF32;
  Metric metric = Metric::kL2;
  uint32_t dimension = 0;
  size_t row_bytes() const { return dimension * ElementSize(element_type); }
};

std::string_view NameOf(ElementType type);  // "f32", "f16", "u8"
std::string_view NameOf(Metric metric);     // "l2", "ip", "cosine"

// INVALID_ARGUMENT where a file of this shape cannot go into such a collection: another dimension,
// or floats into bytes (whole numbers and text may: their values are checked one by one).
absl::Status CheckFits(const std::string& path, const FileShape& shape, const VectorSchema& schema);

// The nearest half, ties to even; beyond the largest half it becomes infinite.
uint16_t HalfFromFloat(float value);

// Appends the row (elements of `from`, f32 or u8) in the schema's element type to `out`.
// INVALID_ARGUMENT NON_FINITE_VECTOR, ZERO_VECTOR_COSINE or BAD_VECTOR, and `out` is as it was,
// where the collection would refuse the row.
absl::Status AppendConverted(std::span<const std::byte> row, ElementType from,
                             const VectorSchema& schema, std::string& out);

}  // namespace kith::cli

#endif  // KITH_CLI_DATA_ELEMENT_CONVERSION_H_
