#ifndef KITH_COMMON_PAYLOAD_PAYLOAD_VALUES_H_
#define KITH_COMMON_PAYLOAD_PAYLOAD_VALUES_H_

#include <bitset>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/payload/payload_schema.h"

namespace kith {

// One value of one indexed field, as EncodeAs gives it.
struct IndexedValue {
  uint16_t field = 0;  // its place in the schema
  std::string value;

  auto operator<=>(const IndexedValue&) const = default;
};

// What a payload that was stored before a field was indexed says: the fields that it does not fit
// are apart, and have no value.
struct FittingValues {
  std::vector<IndexedValue> values;                // as ReadIndexedValues gives them
  std::bitset<limits::kPayloadFieldsMax> misfits;  // by place; all that are indexed: no JSON object
};

// What a payload says in the indexed fields, ascending and each value once. A payload is a JSON
// object or empty; a field that is absent or null has no value, a keyword field may be a list of
// strings. Only the object's own fields count, not those of objects inside.
//
// INVALID_ARGUMENT BAD_PAYLOAD saying what is wrong and naming the field: no JSON object, a value
// of another type than the schema's, a field that comes twice, a keyword or list beyond
// common/base/limits.h. Same payload, same answer: it is read again when the log is replayed.
absl::StatusOr<std::vector<IndexedValue>> ReadIndexedValues(std::string_view payload,
                                                            const PayloadSchema& schema);

// The same of any bytes whatever; nothing is refused. Same payload, same answer, likewise: what a
// posting key is made of when its row comes, it is unmade of when the row goes.
FittingValues ReadFittingValues(std::string_view payload, const PayloadSchema& schema);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_PAYLOAD_VALUES_H_
