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
  if (parameters.plane_b == PlaneB::kResidual) return {};
  if (parameters.plane_b != PlaneB::kRawU8) return "plane_b is unknown: residual or raw_u8";
  if (parameters.element_type == ElementType::kU8 && parameters.metric != Metric::kCosine) {
    return {};
  }
  return "plane_b is raw_u8: it needs u8 elements under l2 or inner_product; take residual";
}

}  // namespace kith::index
