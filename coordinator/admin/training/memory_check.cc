#include "coordinator/admin/training/memory_check.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

struct NodeLoad {
  uint64_t steady = 0;
  uint64_t points = 0;
  uint64_t shards = 0;
};

std::map<std::string, NodeLoad> LoadsOf(const std::vector<ShardSurvey>& surveys) {
  std::map<std::string, NodeLoad> loads;
  for (const ShardSurvey& survey : surveys) {
    if (!survey.stat.ok()) continue;
    const MemoryByPart& memory = survey.stat->memory;
    NodeLoad& load = loads[survey.placement.node];
    load.steady += memory.codes + memory.refine + memory.tombstones;
    load.steady += load.shards == 0 ? memory.quantizer : 0;  // one a node
    load.points += survey.stat->live_points;
    ++load.shards;
  }
  return loads;
}

}  // namespace

absl::Status CheckTrainingMemory(const CollectionRecord& record, const TrainingPlan& plan,
                                 const std::vector<ShardSurvey>& surveys, uint64_t limit_bytes) {
  index::IndexParameters parameters;
  parameters.dimension = record.dimension;
  parameters.metric = record.metric;
  parameters.element_type = record.element_type;
  parameters.lists = plan.lists;
  parameters.subspaces = plan.subspaces;
  index::SetPlaneB(plan.plane_b_bytes, parameters);
  for (const auto& [node, load] : LoadsOf(surveys)) {
    uint64_t extra = index::SecondVersionBytes(parameters, load.points, load.shards);
    if (node == record.shards.front().node) {
      extra = std::max(extra, index::TrainingBytes(parameters, plan.sample));
    }
    if (load.steady + extra <= limit_bytes) continue;
    return Error(
        absl::StatusCode::kResourceExhausted, reason::kMemoryLimit,
        fmt::format("node {} holds {} bytes of collection {} now and would hold {} while "
                    "the index is trained, its limit is {}: give it more memory, or spread "
                    "the collection over more nodes",
                    node, load.steady, record.name, load.steady + extra, limit_bytes),
        {{"node", node},
         {"steady_bytes", fmt::format("{}", load.steady)},
         {"peak_bytes", fmt::format("{}", load.steady + extra)}});
  }
  return absl::OkStatus();
}

}  // namespace kith::coordinator
