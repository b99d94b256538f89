#ifndef KITH_CLI_CLIENT_FILTER_TEXT_H_
#define KITH_CLI_CLIENT_FILTER_TEXT_H_

#include <string>

#include "absl/status/statusor.h"
#include "kith/v1/filter.pb.h"

namespace kith::cli {

// A filter as JSON of kith.v1.Filter: {"match": {"field": "color", "value": {"keyword": "red"}}}.
// A usage error naming --filter.
absl::StatusOr<v1::Filter> ParseFilter(const std::string& text);

// "color:keyword"; also integer, double and boolean. A usage error naming --payload-field.
absl::StatusOr<v1::PayloadField> ParsePayloadField(const std::string& text);

}  // namespace kith::cli

#endif  // KITH_CLI_CLIENT_FILTER_TEXT_H_
