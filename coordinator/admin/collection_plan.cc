#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/collection_service.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/admin/node_memory.h"
#include "coordinator/admin/parameter_choice.h"
#include "index/auto_parameters.h"

namespace kith::coordinator {
namespace {

// How the shards and with them the points spread over the nodes.
struct Spread {
  uint64_t nodes_used = 1;
  uint64_t shards_fullest = 1;  // on the fullest node
  uint64_t points_fullest = 0;
};

struct Size {
  uint64_t points;
  uint64_t shards;
  Spread spread;
};

Spread SpreadOf(uint64_t shards, uint64_t nodes, uint64_t points) {
  Spread spread;
  spread.nodes_used = std::max<uint64_t>(1, std::min(shards, nodes));
  spread.shards_fullest = (shards + spread.nodes_used - 1) / spread.nodes_used;
  const uint64_t points_a_shard = (points + shards - 1) / shards;
  spread.points_fullest = std::min(points, points_a_shard * spread.shards_fullest);
  return spread;
}

CollectionRecord RecordOf(const PlanCollectionCall& call) {
  CollectionRecord record;
  record.dimension = call.dimension;
  record.metric = call.metric;
  record.element_type = call.element_type;
  return record;
}

// Without lists: exact search, nothing but rows.
index::AutoChoice ExactSearch(const PlanCollectionCall& call, const index::NodeShare& fullest) {
  index::AutoChoice choice;
  choice.parameters.dimension = call.dimension;
  choice.parameters.metric = call.metric;
  choice.parameters.element_type = call.element_type;
  const index::NodeNeed need = index::NeedOf(choice.parameters, fullest, 0);
  choice.steady_bytes = choice.build_bytes = choice.rebuild_bytes = need.steady;
  choice.memory_bytes = fullest.memory_bytes;
  choice.room = need.steady <= fullest.memory_bytes ? index::Room::kAgain : index::Room::kNone;
  return choice;
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

void JudgeFit(const index::AutoRequest& request, const index::NodeShare& fullest,
              const index::AutoChoice& choice, CollectionPlan& plan) {
  plan.fits = choice.room == index::Room::kAgain;
  if (plan.fits) return;
  if (choice.room == index::Room::kNone) {
    plan.why_not = WhyNoRoom(request, fullest, choice);
    return;
  }
  plan.why_not = fmt::format(
      "the fullest node needs {} bytes while it serves, {} while the index is trained and {} while "
      "it is trained again beside itself, and has {}: it can be trained once; add nodes and "
      "shards, "
      "or give each more memory",
      choice.steady_bytes, choice.build_bytes, choice.rebuild_bytes, choice.memory_bytes);
}

absl::Status CheckPlan(const PlanCollectionCall& call, uint32_t shards) {
  KITH_RETURN_IF_ERROR(CheckShape(call.dimension, call.metric, call.element_type));
  KITH_RETURN_IF_ERROR(CheckShards(shards));
  KITH_RETURN_IF_ERROR(CheckIndexChoice(call.index, call.dimension));
  if (call.index.expected_points != 0) {
    return FieldError("index.expected_points", reason::kBadRequest,
                      "is `points` of a plan: leave it out");
  }
  if (call.points != 0 && call.points <= limits::kRowsMax * shards) return absl::OkStatus();
  return FieldError("points", reason::kBadRequest,
                    fmt::format("{} is outside 1 to {} (2^32 rows a shard, {} shards)", call.points,
                                limits::kRowsMax * shards, shards));
}

// Of all nodes together, pages of rows among them.
void TakeBytes(const index::AutoChoice& choice, const Size& size, CollectionPlan& plan) {
  const index::IndexParameters& parameters = choice.parameters;
  plan.lists = parameters.lists;
  plan.subspaces = parameters.subspaces;
  plan.plane_b_bytes = parameters.plane_b_bytes;
  plan.sample_points = choice.sample;
  const auto bytes = index::PlanBytes(parameters, size.points, size.shards);
  plan.steady = SteadyOf(bytes, size.spread);
  plan.steady_bytes = bytes.total() - bytes.quantizer + plan.steady.quantizer;
  // First the sample is trained on, then the points are encoded: never both at once.
  const uint64_t training = index::TrainingBytes(parameters, choice.sample);
  plan.retrain_peak_bytes =
      plan.steady_bytes +
      std::max(training, index::SecondVersionBytes(parameters, size.points, size.shards));
  plan.disk_bytes = index::PlanDiskBytes(parameters, size.points, size.shards);
  plan.bytes_per_vector = static_cast<double>(plan.steady_bytes) / static_cast<double>(size.points);
}

}  // namespace

uint64_t MachineMemoryBytes() {
  return static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES)) *
         static_cast<uint64_t>(sysconf(_SC_PAGE_SIZE));
}

// What other collections hold now is not there for this one; what the request names is.
uint64_t CollectionService::MemoryFor(const PlanCollectionCall& call, Deadline until) const {
  if (call.memory_limit_bytes != 0) return call.memory_limit_bytes;
  const uint64_t limit =
      defaults_.memory_limit_bytes != 0 ? defaults_.memory_limit_bytes : MachineMemoryBytes();
  SurveyPass pass{until, {}};
  return MemoryBeside(catalog_, "", limit, pass).LeastLeft();
}

absl::StatusOr<CollectionPlan> CollectionService::Plan(const PlanCollectionCall& call,
                                                       Deadline until) const {
  const uint32_t shards = call.shards == 0 ? defaults_.shards : call.shards;
  KITH_RETURN_IF_ERROR(CheckPlan(call, shards));
  const Spread spread = SpreadOf(shards, catalog_.context().nodes.size(), call.points);
  const index::NodeShare fullest{spread.points_fullest, spread.shards_fullest,
                                 MemoryFor(call, until), true};
  const index::AutoRequest request = RequestOf(RecordOf(call), call.index, call.points);
  CollectionPlan plan;
  const bool is_exact = call.index.lists == 0 && call.points < index::kFlatPoints;
  const index::AutoChoice choice =
      is_exact ? ExactSearch(call, fullest) : index::ChooseParameters(request, {&fullest, 1});
  if (is_exact) {
    plan.chosen.push_back(fmt::format("no lists: up to {} points every search compares them all",
                                      index::kFlatPoints));
  } else {
    plan.chosen = Explain(request, {&fullest, 1}, choice);
    const std::string known = KnownRecall(choice.parameters, call.index.target_recall);
    if (!known.empty()) plan.chosen.push_back(known);
  }
  JudgeFit(request, fullest, choice, plan);
  TakeBytes(choice, {call.points, shards, spread}, plan);
  return plan;
}

}  // namespace kith::coordinator
