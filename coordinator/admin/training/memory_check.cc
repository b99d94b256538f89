#include "coordinator/admin/training/memory_check.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"

namespace kith::coordinator {
absl::Status CheckTrainingMemory(const CollectionRecord& record, const TrainingPlan& plan,
                                 const NodeLoads& loads, const NodeMemory& memory) {
  index::IndexParameters parameters;
  parameters.dimension = record.dimension;
  parameters.metric = record.metric;
  parameters.element_type = record.element_type;
  parameters.lists = plan.lists;
  parameters.subspaces = plan.subspaces;
  index::SetPlaneB(plan.plane_b_bytes, parameters);
  for (const auto& [node, load] : loads) {
    uint64_t extra = index::SecondVersionBytes(parameters, load.points, load.shards);
    if (node == record.shards.front().node) {
      extra = std::max(extra, index::TrainingBytes(parameters, plan.sample));
    }
    const uint64_t peak = load.bytes + extra;
    const uint64_t left = memory.LeftOn(node);
    if (peak <= left) continue;
    return Error(
        absl::StatusCode::kResourceExhausted, reason::kMemoryLimit,
        fmt::format("node {} holds {} bytes of collection {} now and would hold {} while the index "
                    "is trained with {} lists, {} sub-spaces and {} bytes of plane B: {} more than "
                    "the {} that are left to it; give it more memory, drop index versions that are "
                    "only held (kith index drop), or spread the collection over more nodes",
                    node, load.bytes, record.name, peak, plan.lists, plan.subspaces,
                    plan.plane_b_bytes, peak - left, left),
        {{"node", node},
         {"steady_bytes", fmt::format("{}", load.bytes)},
         {"peak_bytes", fmt::format("{}", peak)},
         {"short_bytes", fmt::format("{}", peak - left)}});
  }
  return absl::OkStatus();
}

}  // namespace kith::coordinator
