#include "coordinator/admin/training/train_service.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <memory>
#include <utility>
#include <vector>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "coordinator/admin/collection_shape.h"
#include "coordinator/admin/shard_steps.h"
#include "coordinator/admin/training/memory_check.h"
#include "coordinator/admin/training/train_operation.h"

namespace kith::coordinator {
namespace {

absl::StatusOr<uint64_t> CountPoints(const std::vector<ShardSurvey>& surveys) {
  uint64_t points = 0;
  for (const ShardSurvey& survey : surveys) {
    KITH_RETURN_IF_ERROR(AtShard(survey.stat.status(), survey.placement));
    points += survey.stat->live_points;
  }
  return points;
}

absl::Status CheckPromotion(const PromotionRule& rule) {
  if (!rule.recall_gain_min.has_value()) return absl::OkStatus();
  if (rule.when == PromotionRule::When::kByHand) {
    return FieldError("min_recall_gain", reason::kBadRequest,
                      "is for a promotion that is made by itself, and auto_promote is false; send "
                      "one of them");
  }
  if (*rule.recall_gain_min >= -1 && *rule.recall_gain_min <= 1) return absl::OkStatus();
  return FieldError("min_recall_gain", reason::kBadRequest,
                    fmt::format("is {}, must be from -1 to 1", *rule.recall_gain_min));
}

}  // namespace

absl::StatusOr<Operation> TrainService::Start(const TrainCall& call, Deadline until) {
  // Deleting the collection and removing stray index versions wait for this lock, and find the
  // operation running afterwards.
  const std::string name = catalog_.context().map->Resolve(call.collection);
  const Catalog::NameLock lock = catalog_.Lock(name);
  KITH_ASSIGN_OR_RETURN(const auto entry, catalog_.context().map->Find(name));
  const CollectionRecord& record = entry->record;
  KITH_RETURN_IF_ERROR(CheckIndexChoice(call.index, record.dimension));
  KITH_RETURN_IF_ERROR(CheckExpected(call.index, record.shards.size()));
  KITH_RETURN_IF_ERROR(CheckPromotion(call.promotion));
  SurveyPass pass{until, {}};
  const std::vector<ShardSurvey> surveys = SurveyShards(catalog_, record, pass);
  KITH_ASSIGN_OR_RETURN(const uint64_t points, CountPoints(surveys));
  const NodeLoads loads = LoadsOf(surveys);
  const NodeMemory memory = MemoryBeside(catalog_, record.name, memory_limit_bytes_, pass);
  const uint64_t expected = ExpectedPoints(record, call.index, points);
  KITH_ASSIGN_OR_RETURN(
      TrainingPlan plan,
      PlanTraining(record, call.index, {points, SharesOf(record, loads, expected, memory)}));
  plan.seed = call.seed;
  plan.promotion = call.promotion;
  KITH_RETURN_IF_ERROR(CheckTrainingMemory(record, plan, loads, memory));
  KITH_ASSIGN_OR_RETURN(const auto operation, operations_.Begin("train", record.name));
  operation->NoteChosen(plan.chosen);
  const bool posted = jobs_.Post([this, operation, record, plan] {
    RunTraining({catalog_, *operation, record, plan, record.incarnation.ToString()});
  });
  if (!posted) {
    const absl::Status full =
        Error(absl::StatusCode::kResourceExhausted, reason::kQueueFull,
              "too many long operations wait already: try again when one has ended",
              {{kRetryAfterMsFact, "10000"}});
    operation->Finish(full, "");
    return full;
  }
  spdlog::info(
      "event=training_started collection={} operation={} points={} expected={} lists={} "
      "subspaces={} plane_b_bytes={} sample={} held_out={}",
      record.name, operation->Snapshot().id, points, expected, plan.lists, plan.subspaces,
      plan.plane_b_bytes, plan.sample, plan.held_out);
  return operation->Snapshot();
}

}  // namespace kith::coordinator
