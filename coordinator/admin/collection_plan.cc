#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/collection_shape.h"
#include "index/plan.h"

namespace kith::coordinator {
namespace {

// How the shards and with them the points spread over the nodes.
struct Spread {
  uint64_t nodes_used = 1;
  uint64_t shards_fullest = 1;  // on the fullest node
  uint64_t points_fullest = 0;
};

Spread SpreadOf(uint64_t shards, uint64_t nodes, uint64_t points) {
  Spread spread;
  spread.nodes_used = std::max<uint64_t>(1, std::min(shards, nodes));
  spread.shards_fullest = (shards + spread.nodes_used - 1) / spread.nodes_used;
  const uint64_t points_a_shard = (points + shards - 1) / shards;
  spread.points_fullest = std::min(points, points_a_shard * spread.shards_fullest);
  return spread;
}

index::IndexParameters ParametersOf(const PlanCollectionCall& call) {
  index::IndexParameters parameters;
  parameters.dimension = call.dimension;
  parameters.metric = call.metric;
  parameters.element_type = call.element_type;
  const bool flat = call.index.lists == 0 && call.points < index::kFlatPoints;
  if (flat) return parameters;  // no lists: exact search, nothing but rows
  parameters.lists = call.index.lists == 0 ? index::AutoLists(call.points) : call.index.lists;
  parameters.subspaces =
      call.index.subspaces == 0 ? index::AutoSubspaces(call.dimension) : call.index.subspaces;
  index::SetPlaneB(call.index.plane_b_bytes, parameters);
  return parameters;
}

MemoryByPart SteadyOf(const index::PlannedBytes& bytes, const Spread& spread) {
  MemoryByPart steady;
  steady.codes = bytes.codes;
  steady.refine = bytes.refine;
  steady.quantizer = bytes.quantizer * spread.nodes_used;  // one a node
  steady.rows = bytes.rows;
  steady.tombstones = bytes.tombstones;
  return steady;
}

// What one node holds in memory that the page cache cannot give back.
uint64_t ResidentBytes(const index::IndexParameters& parameters, const Spread& spread) {
  const auto bytes = index::PlanBytes(parameters, spread.points_fullest, spread.shards_fullest);
  return bytes.total() - bytes.rows;
}

void JudgeFit(CollectionPlan& plan, uint64_t steady_node, uint64_t peak_node, uint64_t limit) {
  plan.fits = peak_node <= limit;
  if (plan.fits) return;
  plan.why_not = fmt::format(
      "the fullest node needs {} bytes while it serves and {} bytes while the index is trained "
      "again, its limit is {} bytes: add nodes and shards, or give each more memory",
      steady_node, peak_node, limit);
}

}  // namespace

uint64_t MachineMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

absl::StatusOr<CollectionPlan> CollectionService::Plan(const PlanCollectionCall& call) const {
  const uint32_t shards = call.shards == 0 ? defaults_.shards : call.shards;
  KITH_RETURN_IF_ERROR(CheckShape(call.dimension, call.metric, call.element_type));
  KITH_RETURN_IF_ERROR(CheckShards(shards));
  if (call.index.target_recall != 0) {
    return FieldError("index.target_recall", reason::kBadRequest,
                      "changes nothing of what a collection takes; leave it out");
  }
  KITH_RETURN_IF_ERROR(CheckIndexChoice(call.index, call.dimension));
  if (call.points == 0 || call.points > limits::kRowsMax * shards) {
    return FieldError("points", reason::kBadRequest,
                      fmt::format("{} is outside 1 to {} (2^32 rows a shard, {} shards)",
                                  call.points, limits::kRowsMax * shards, shards));
  }
  const index::IndexParameters parameters = ParametersOf(call);
  const Spread spread = SpreadOf(shards, catalog_.context().nodes.size(), call.points);
  CollectionPlan plan;
  plan.lists = parameters.lists;
  plan.subspaces = parameters.subspaces;
  plan.plane_b_bytes = parameters.plane_b_bytes;
  plan.sample_points =
      parameters.lists == 0 ? 0 : index::SamplePoints(call.points, parameters.lists);
  const auto bytes = index::PlanBytes(parameters, call.points, shards);
  plan.steady = SteadyOf(bytes, spread);
  plan.steady_bytes = bytes.total() - bytes.quantizer + plan.steady.quantizer;
  // First the sample is trained on, then the points are encoded: never both at once.
  const uint64_t training = index::TrainingBytes(parameters, plan.sample_points);
  plan.retrain_peak_bytes =
      plan.steady_bytes +
      std::max(training, index::SecondVersionBytes(parameters, call.points, shards));
  plan.disk_bytes = index::PlanDiskBytes(parameters, call.points, shards);
  plan.bytes_per_vector = static_cast<double>(plan.steady_bytes) / static_cast<double>(call.points);
  const uint64_t limit = call.memory_limit_bytes != 0        ? call.memory_limit_bytes
                         : defaults_.memory_limit_bytes != 0 ? defaults_.memory_limit_bytes
                                                             : MachineMemoryBytes();
  const uint64_t steady_node = ResidentBytes(parameters, spread);
  const uint64_t peak_node =
      steady_node + std::max(training, index::SecondVersionBytes(parameters, spread.points_fullest,
                                                                 spread.shards_fullest));
  JudgeFit(plan, steady_node, peak_node, limit);
  return plan;
}

}  // namespace kith::coordinator
