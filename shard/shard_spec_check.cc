#include "shard/shard_spec_check.h"

#include <fmt/format.h>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::shard {
namespace {

absl::Status BadSpec(std::string_view what) {
  return Error(absl::StatusCode::kInvalidArgument, reason::kBadRequest,
               fmt::format("shard spec: {}", what));
}

absl::Status CheckSlots(const ShardSpec& spec) {
  if (spec.slots.empty()) return BadSpec("it has no slots");
  uint32_t after = 0;
  for (const auto& [begin, end] : spec.slots) {
    if (begin < after || end <= begin || end > limits::kSlots) {
      return BadSpec(fmt::format("slots must be ascending ranges within 0 to {}, not {}-{}",
                                 limits::kSlots, begin, end));
    }
    after = end;
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status CheckSpec(const ShardSpec& spec) {
  if (spec.collection.empty() || spec.collection.size() > limits::kCollectionNameBytesMax) {
    return BadSpec(fmt::format("the collection's name must have 1 to {} bytes",
                               limits::kCollectionNameBytesMax));
  }
  if (spec.dimension == 0 || spec.dimension > limits::kDimensionMax) {
    return BadSpec(fmt::format("dimension must be 1 to {}", limits::kDimensionMax));
  }
  if (spec.metric < Metric::kL2 || spec.metric > Metric::kCosine) {
    return BadSpec("the metric is of no known kind");
  }
  if (spec.element_type < ElementType::kF32 || spec.element_type > ElementType::kU8) {
    return BadSpec("the element type is of no known kind");
  }
  KITH_RETURN_IF_ERROR(CheckSchema(spec.payload_fields));
  return CheckSlots(spec);
}

}  // namespace kith::shard
