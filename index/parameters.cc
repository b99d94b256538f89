#include "index/parameters.h"

#include <algorithm>
#include <string_view>

namespace kith::index {
namespace {

std::string RangeFault(std::string_view field, uint32_t value, uint32_t most) {
  if (value >= 1 && value <= most) return {};
  return std::string(field) + " is " + std::to_string(value) + ": it must be 1 to " +
         std::to_string(most);
}

bool HoldsVector(const IndexParameters& parameters) {
  return parameters.element_type == ElementType::kU8 && parameters.metric != Metric::kCosine;
}

std::string PlaneBFault(const IndexParameters& parameters) {
  const uint32_t dimension = parameters.dimension;
  const uint32_t bytes = parameters.plane_b_bytes;
  if (parameters.plane_b == PlaneB::kPackedResidual) {
    if (bytes >= kMinPackedBytes && bytes < dimension) return {};
    return "plane_b_bytes is " + std::to_string(bytes) + ": where plane_b is packed_residual it " +
           "must be " + std::to_string(kMinPackedBytes) + " or more and below the dimension, " +
           std::to_string(dimension) + "; take residual for as many";
  }
  if (parameters.plane_b == PlaneB::kRawU8 && !HoldsVector(parameters)) {
    return "plane_b is raw_u8: it needs u8 elements under l2 or inner_product; take residual";
  }
  if (parameters.plane_b != PlaneB::kResidual && parameters.plane_b != PlaneB::kRawU8) {
    return "plane_b is unknown: residual, raw_u8 or packed_residual";
  }
  if (bytes == dimension) return {};
  return "plane_b_bytes is " + std::to_string(bytes) + ": it must be the dimension, " +
         std::to_string(dimension) + ", but where plane_b is packed_residual";
}

bool KnownType(ElementType type) {
  return type == ElementType::kF32 || type == ElementType::kF16 || type == ElementType::kU8;
}

bool KnownMetric(Metric metric) {
  return metric == Metric::kL2 || metric == Metric::kInnerProduct || metric == Metric::kCosine;
}

}  // namespace

std::string ParameterFault(const IndexParameters& parameters) {
  std::string fault = RangeFault("dimension", parameters.dimension, kMaxDimension);
  if (!fault.empty()) return fault;
  fault = RangeFault("lists", parameters.lists, kMaxLists);
  if (!fault.empty()) return fault;
  fault =
      RangeFault("subspaces", parameters.subspaces, std::min(kMaxSubspaces, parameters.dimension));
  if (!fault.empty()) return fault;
  if (!KnownType(parameters.element_type)) return "element_type is unknown: f32, f16 or u8";
  if (!KnownMetric(parameters.metric)) return "metric is unknown: l2, inner_product or cosine";
  return PlaneBFault(parameters);
}

}  // namespace kith::index
