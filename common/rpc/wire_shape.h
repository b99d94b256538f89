#ifndef KITH_COMMON_RPC_WIRE_SHAPE_H_
#define KITH_COMMON_RPC_WIRE_SHAPE_H_

#include <google/protobuf/repeated_field.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/ids.h"
#include "common/vector/element.h"
#include "common/vector/metric.h"

// What the messages between coordinator and shard are checked for. INVALID_ARGUMENT BAD_REQUEST.
namespace kith::rpc {

absl::Status ShapeError(std::string_view field, std::string_view message);

// `keys` holds `count` keys of 17 bytes, each of a known kind.
absl::Status CheckKeys(std::string_view keys, size_t count);

// A list that is either empty or has `expected` members.
absl::Status CheckCount(std::string_view field, int size, size_t expected);

// Exactly 16 bytes.
absl::StatusOr<Uuid> UuidFromWire(std::string_view field, std::string_view bytes);

absl::StatusOr<Metric> MetricFromWire(int value);
absl::StatusOr<ElementType> ElementTypeFromWire(int value);

template <typename Value>
void SetRepeated(const std::vector<Value>& from, google::protobuf::RepeatedField<Value>* to) {
  to->Clear();
  to->Add(from.begin(), from.end());
}

}  // namespace kith::rpc

#endif  // KITH_COMMON_RPC_WIRE_SHAPE_H_
