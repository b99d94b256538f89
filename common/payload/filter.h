#ifndef KITH_COMMON_PAYLOAD_FILTER_H_
#define KITH_COMMON_PAYLOAD_FILTER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/payload/field_value.h"

namespace kith {

// Which points an answer may hold: kith.v1.Filter without a wire. A condition on a field that a
// point does not have is false, its negation true.
struct Filter {
  enum class Kind : uint8_t {
    kAllOf = 1,
    kAnyOf = 2,
    kNoneOf = 3,
    kMatch = 4,  // the field has one of the values
    kRange = 5,
    kExists = 6,
    kHasId = 7,
  };
  struct Bound {
    FieldValue value;
    bool is_inclusive = false;
    bool operator==(const Bound&) const = default;
  };

  Kind kind = Kind::kAllOf;
  std::vector<Filter> parts;       // of the first three
  std::string field;               // of the next three
  std::vector<FieldValue> values;  // kMatch
  std::optional<Bound> low;        // kRange: one of them, or both
  std::optional<Bound> high;
  std::string keys;  // kHasId: 17 bytes a point

  bool operator==(const Filter&) const = default;
};

// The same bytes for equal filters, others for others: what a filter is remembered by.
std::string FilterBytes(const Filter& filter);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_FILTER_H_
