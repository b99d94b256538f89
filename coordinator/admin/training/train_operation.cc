#include "coordinator/admin/training/train_operation.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <string>
#include <utility>
#include <vector>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/telemetry/log.h"
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

absl::StatusOr<CollectionRecord> Promote(const TrainingRun& run, const std::string& version,
                                         const std::vector<RecallMeasure>& recall) {
  KITH_RETURN_IF_ERROR(run.operation.Check());
  run.Report(kPromoting, 0);
  return run.catalog.Modify(run.record, [&](CollectionRecord& record) {
    if (record.state != State::kActive) {
      return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
                   fmt::format("collection {} is being dropped", record.name));
    }
    // The same sample gives the same version again: then there is nothing before it to keep.
    if (record.serving_version != version) record.previous_version = record.serving_version;
    record.serving_version = version;
    record.recall = recall;
    record.trained_lists = run.plan.lists;
    record.trained_subspaces = run.plan.subspaces;
    record.target_recall = run.plan.target_recall;
    return absl::OkStatus();
  });
}

// Everything but what `record` serves and what served before.
void DropOldVersions(const TrainingRun& run, const CollectionRecord& record) {
  SurveyPass pass;
  for (const ShardSurvey& survey : SurveyShards(run.catalog, record, pass)) {
    const auto service = run.catalog.Node(survey.placement.node);
    if (!survey.stat.ok() || !service.ok()) continue;  // reconciling comes by again
    for (const IndexState& index : survey.stat->indexes) {
      const bool kept =
          index.version == record.serving_version || index.version == record.previous_version;
      if (kept) continue;
      const absl::Status dropped = (*service)->DropIndex(survey.placement.shard, index.version,
                                                         run.context().CallDeadline());
      spdlog::info("event=index_dropped collection={} shard={} version={} status={}", record.name,
                   survey.placement.shard, index.version, telemetry::LogValue(dropped.ToString()));
    }
  }
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
  KITH_ASSIGN_OR_RETURN(const std::vector<RecallMeasure> recall,
                        MeasureRecall(run, version, held_out));
  KITH_ASSIGN_OR_RETURN(const CollectionRecord record, Promote(run, version, recall));
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
  if (!version.ok()) {
    CleanUp(run);
    spdlog::warn("event=training_ended collection={} operation={} error={}", run.record.name,
                 run.operation.Snapshot().id, telemetry::LogValue(version.status().ToString()));
    run.operation.Finish(version.status(), "");
    return;
  }
  spdlog::info("event=training_ended collection={} operation={} version={}", run.record.name,
               run.operation.Snapshot().id, *version);
  run.operation.Finish(absl::OkStatus(), *version);
}

}  // namespace kith::coordinator
