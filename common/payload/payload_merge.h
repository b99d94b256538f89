#ifndef KITH_COMMON_PAYLOAD_PAYLOAD_MERGE_H_
#define KITH_COMMON_PAYLOAD_PAYLOAD_MERGE_H_

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace kith {

// The changes of a payload by field: a JSON object. INVALID_ARGUMENT BAD_PAYLOAD where it is none,
// or names a field twice.
absl::Status CheckPayloadChange(std::string_view change);

// `stored` with the outermost fields of `change` put into it: a field that is there is replaced in
// its place, a new one comes last, null takes one out (a merge patch, RFC 7396, of one level: the
// value of a field is replaced as a whole). What the change does not name keeps its bytes. An empty
// payload is an object without fields. `change` has been checked. Nothing where `stored` is no JSON
// object.
std::optional<std::string> MergePayload(std::string_view stored, std::string_view change);

// The change that takes these fields out.
std::string ClearingChange(const std::vector<std::string>& fields);

}  // namespace kith

#endif  // KITH_COMMON_PAYLOAD_PAYLOAD_MERGE_H_
