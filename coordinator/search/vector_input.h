#ifndef KITH_COORDINATOR_SEARCH_VECTOR_INPUT_H_
#define KITH_COORDINATOR_SEARCH_VECTOR_INPUT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "common/meta/meta_store.h"
#include "common/vector/element.h"
#include "common/vector/metric.h"

namespace kith::coordinator {

// A vector as a caller gave it, in one of two forms: little-endian bytes in the collection's
// element type, or floats. Views: read before the call that takes them returns.
struct VectorInput {
  std::string_view data;
  std::span<const float> values;
};

struct VectorShape {
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;

  size_t stored_bytes() const { return dimension * ElementSize(element_type); }
  size_t query_bytes() const { return dimension * ElementSize(QueryType(element_type)); }
};

VectorShape ShapeOf(const CollectionRecord& record);

enum class VectorUse : uint8_t { kStored, kQuery };

// Checks one vector and appends it to `out`: in the collection's element type for kStored, in
// QueryType for kQuery (an f16 becomes the float it is). On error `out` is as before.
// INVALID_ARGUMENT without a field (AtField adds it): BAD_VECTOR, DIMENSION_MISMATCH,
// NON_FINITE_VECTOR, ZERO_VECTOR_COSINE.
absl::Status AppendVector(const VectorShape& shape, const VectorInput& input, VectorUse use,
                          std::string& out);

// The same error, naming the request's field.
absl::Status AtField(const absl::Status& error, std::string_view field);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_VECTOR_INPUT_H_
