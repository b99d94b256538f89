#ifndef KITH_COMMON_RPC_FILTER_MESSAGES_H_
#define KITH_COMMON_RPC_FILTER_MESSAGES_H_

#include <string_view>

#include "absl/status/statusor.h"
#include "common/payload/filter.h"
#include "common/payload/payload_schema.h"
#include "kith/v1/filter.pb.h"

namespace kith::rpc {

// INVALID_ARGUMENT BAD_FILTER naming the field below `at`: no condition or no value, an id that is
// none, too deep or too many (common/base/limits.h). The rest is checked against a schema, by
// CheckFilter.
absl::StatusOr<Filter> FilterFromProto(const v1::Filter& filter, std::string_view at);
void FilterToProto(const Filter& filter, v1::Filter* to);
void ValueToProto(const FieldValue& value, v1::FieldValue* to);

using FieldMessages = google::protobuf::RepeatedPtrField<v1::PayloadField>;
// An unknown type becomes one that CheckSchema refuses.
PayloadSchema SchemaFromProto(const FieldMessages& fields);
void SchemaToProto(const PayloadSchema& schema, FieldMessages* to);

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_FILTER_MESSAGES_H_
