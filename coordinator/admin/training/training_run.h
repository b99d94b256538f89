#ifndef KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_RUN_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_RUN_H_

#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/status.h"
#include "coordinator/admin/catalog.h"
#include "coordinator/admin/operations.h"
#include "coordinator/admin/shard_steps.h"
#include "coordinator/admin/training/training_plan.h"

namespace kith::coordinator {

// The stages' names and their shares of the progress, from measurements with 1 M points.
struct Stage {
  const char* name;
  double begin;
  double end;
};
inline constexpr Stage kSampling{"sampling", 0.0, 0.05};
inline constexpr Stage kTraining{"training", 0.05, 0.5};
inline constexpr Stage kEncoding{"encoding", 0.5, 0.85};
inline constexpr Stage kCalibrating{"calibrating", 0.85, 0.98};
inline constexpr Stage kPromoting{"promoting", 0.98, 1.0};

// One training and what every stage of it works on. Threads: one at a time.
struct TrainingRun {
  Catalog& catalog;
  RunningOperation& operation;
  const CollectionRecord record;  // as it was when the training began
  const TrainingPlan plan;
  const std::string job;  // the trainer's name for it: the collection's incarnation

  const AdminContext& context() const { return catalog.context(); }
  const AdminTiming& timing() const { return catalog.context().timing; }
  const ShardPlacement& trainer() const { return record.shards.front(); }

  // `done` is 0 to 1 within the stage.
  void Report(const Stage& stage, double done) const {
    operation.Report(stage.name, stage.begin + (stage.end - stage.begin) * done);
  }

  // Calls `call(service)`, again after a pause where the node does not answer: only for calls that
  // may be repeated. Errors name shard and node.
  template <typename Call>
  auto Repeat(const ShardPlacement& placement, Call call) const
      -> decltype(call(std::declval<ShardService&>())) {
    for (int attempt = 1;; ++attempt) {
      auto result = Once(placement, call);
      const absl::Status status = StatusOf(result);
      if (!absl::IsUnavailable(status) || attempt >= timing().attempts) return result;
      KITH_RETURN_IF_ERROR(operation.Pause(timing().retry_pause));
    }
  }

  template <typename Call>
  auto Once(const ShardPlacement& placement, Call& call) const
      -> decltype(call(std::declval<ShardService&>())) {
    KITH_RETURN_IF_ERROR(operation.Check());
    const auto service = catalog.Node(placement.node);
    if (!service.ok()) return service.status();
    auto result = call(**service);
    const absl::Status status = StatusOf(result);
    if (!status.ok()) return AtShard(status, placement);
    return result;
  }

 private:
  static const absl::Status& StatusOf(const absl::Status& status) { return status; }
  template <typename T>
  static const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
    return result.status();
  }
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_TRAINING_RUN_H_
