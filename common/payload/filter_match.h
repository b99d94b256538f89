#ifndef KITH_COMMON_PAYLOAD_FILTER_MATCH_H_
#define KITH_COMMON_PAYLOAD_FILTER_MATCH_H_

#include <span>

#include "common/payload/filter.h"
#include "common/payload/payload_schema.h"
#include "common/payload/payload_values.h"
#include "common/vector/point_key.h"

namespace kith {

// A point as a filter sees it: `values` as ReadIndexedValues gives them.
struct FilteredPoint {
  const PointKey& key;
  std::span<const IndexedValue> values;
};

// Whether one point passes a filter that CheckFilter has passed: what the postings say of many.
bool Passes(const FilteredPoint& point, const Filter& filter, const PayloadSchema& schema);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_FILTER_MATCH_H_
