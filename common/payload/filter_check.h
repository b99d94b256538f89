#ifndef KITH_COMMON_PAYLOAD_FILTER_CHECK_H_
#define KITH_COMMON_PAYLOAD_FILTER_CHECK_H_

#include <string_view>

#include "absl/status/status.h"
#include "common/payload/filter.h"
#include "common/payload/payload_schema.h"

namespace kith {

// INVALID_ARGUMENT BAD_FILTER naming the field of the request ("filter.all_of[1].match.field") and
// the remedy: deeper or longer than common/base/limits.h, a field without an index, a value of
// another type than the field's, a range without a bound, a list without a member. `at` is the
// filter's own place in the request. FAILED_PRECONDITION PAYLOAD_INDEX_BUILDING where the index of
// a field is not complete.
absl::Status CheckFilter(const Filter& filter, const PayloadSchema& schema, std::string_view at);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_FILTER_CHECK_H_
