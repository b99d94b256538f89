#include "coordinator/admin/training/train_operation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>

#include "common/base/memory.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
#include "coordinator/admin/index_versions.h"
#include "coordinator/admin/promotion.h"
#include "coordinator/admin/training/artifact.h"
#include "coordinator/admin/training/calibration.h"
#include "coordinator/admin/training/encoding.h"
#include "coordinator/admin/training/sampling.h"

namespace kith::coordinator {
namespace {

using State = CollectionRecord::State;

// Frees the trainer's sample; the artifact stays.
void EndJob(const TrainingRun& run) {
  const auto service = run.catalog.Node(run.trainer().node);
  if (!service.ok()) return;
  const absl::Status ended = (*service)->CancelTraining(run.job, run.context().CallDeadline());
  if (!ended.ok() && !absl::IsNotFound(ended)) {
    spdlog::warn("event=training_job_not_ended collection={} node={} error={}", run.record.name,
                 run.trainer().node, telemetry::LogValue(ended.ToString()));
  }
}

IndexVersionRecord Describe(const TrainingRun& run, const std::string& version,
                            const Calibration& calibration) {
  IndexVersionRecord trained;
  trained.version = version;
  trained.lists = run.plan.lists;
  trained.subspaces = run.plan.subspaces;
  trained.plane_b_bytes = run.plan.plane_b_bytes;
  trained.target_recall = run.plan.target_recall;
  trained.trained_points = run.plan.points;
  trained.trained_unix_ms = run.context().clock->UnixMs();
  trained.recall = calibration.recall;
  if (calibration.serving.has_value()) {
    const auto& [serving, measure] = *calibration.serving;
    trained.comparison = CompareRecall(trained, serving, measure);
  }
  return trained;
}

absl::StatusOr<CollectionRecord> Publish(const TrainingRun& run,
                                         const IndexVersionRecord& trained) {
  KITH_RETURN_IF_ERROR(run.operation.Check());
  run.Report(kPromoting, 0);
  std::string why;
  KITH_ASSIGN_OR_RETURN(
      CollectionRecord published, run.catalog.Modify(run.record, [&](CollectionRecord& record) {
        if (record.state != State::kActive) {
          return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                       fmt::format("collection {} is being dropped", record.name));
        }
        why = PublishVersion(record, trained, run.plan.promotion);
        return absl::OkStatus();
      }));
  run.operation.NoteTraining({why, trained.comparison});
  return published;
}

void DropOldVersions(const TrainingRun& run, const CollectionRecord& record) {
  SurveyPass pass;
  DropUnheldVersions(run.catalog, record, SurveyShards(run.catalog, record, pass));
}

absl::StatusOr<std::string> Train(const TrainingRun& run) {
  run.Report(kSampling, 0);
  // The queries are read now: a node that restarts later has forgotten what was drawn.
  KITH_ASSIGN_OR_RETURN(const SampleChunk held_out, DrawSample(run));
  run.Report(kTraining, 0);
  KITH_ASSIGN_OR_RETURN(const std::string version, TrainArtifact(run));
  KITH_RETURN_IF_ERROR(CopyArtifact(run, version));
  EndJob(run);
  run.Report(kEncoding, 0);
  KITH_RETURN_IF_ERROR(EncodeShards(run, version));
  KITH_ASSIGN_OR_RETURN(const Calibration calibration, Calibrate(run, version, held_out));
  KITH_ASSIGN_OR_RETURN(const CollectionRecord record,
                        Publish(run, Describe(run, version, calibration)));
  DropOldVersions(run, record);
  return version;
}

// Whatever the stage was: the trainer forgets the job, and the shards drop every version that the
// metadata, read now, does not name. Where it cannot be read, nothing is dropped; reconciling will.
void CleanUp(const TrainingRun& run) {
  EndJob(run);
  const auto record = run.catalog.meta().Get(run.record.name);
  if (record.ok() && record->incarnation == run.record.incarnation &&
      record->state == State::kActive) {
    DropOldVersions(run, *record);
  }
}

}  // namespace

void RunTraining(const TrainingRun& run) {
  const absl::StatusOr<std::string> version = Train(run);
  ReturnFreeMemory();  // of samples and of the answers that recall was measured with
  if (!version.ok()) {
    CleanUp(run);
    spdlog::warn("event=training_ended collection={} operation={} error={}", run.record.name,
                 run.operation.Snapshot().id, telemetry::LogValue(version.status().ToString()));
    run.operation.Finish(version.status(), "");
    return;
  }
  const Operation ended = run.operation.Snapshot();
  spdlog::info("event=training_ended collection={} operation={} version={} not_promoted_reason={}",
               run.record.name, ended.id, *version,
               telemetry::LogValue(ended.training->not_promoted_reason));
  run.operation.Finish(absl::OkStatus(), *version);
}

}  // namespace kith::coordinator
