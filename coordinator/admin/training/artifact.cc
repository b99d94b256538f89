#include "coordinator/admin/training/artifact.h"

#include <fmt/format.h>
#include <xxhash.h>

#include <set>
#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"

namespace kith::coordinator {
namespace {

// How far the copy of an artifact has come.
struct CopyState {
  uint64_t offset = 0;
  uint64_t total = 0;  // as the first chunk said; 0 before it
};

absl::Status CheckChunk(const ArtifactChunk& chunk, const std::string& artifact,
                        const CopyState& state) {
  const bool same_total = state.total == 0 || chunk.total_bytes == state.total;
  const bool fits = chunk.artifact == artifact && chunk.offset == state.offset && same_total &&
                    !chunk.data.empty() && chunk.total_bytes >= state.offset &&
                    chunk.data.size() <= chunk.total_bytes - state.offset &&
                    XXH3_64bits(chunk.data.data(), chunk.data.size()) == chunk.checksum;
  if (fits) return absl::OkStatus();
  return Error(
      absl::StatusCode::kDataLoss, reason::kCorruption,
      fmt::format("the chunk of artifact {} at byte {} is damaged", artifact, state.offset));
}

// From the first byte: a node keeps the chunks of one attempt only.
absl::Status CopyOnce(const TrainingRun& run, const std::string& artifact,
                      const ShardPlacement& target) {
  CopyState state;
  do {
    KITH_ASSIGN_OR_RETURN(
        const ArtifactChunk chunk, run.Repeat(run.trainer(), [&](ShardService& service) {
          return service.ReadArtifact(artifact, state.offset, run.context().CallDeadline());
        }));
    KITH_RETURN_IF_ERROR(AtShard(CheckChunk(chunk, artifact, state), run.trainer()));
    auto write = [&](ShardService& service) {
      return service.WriteArtifact(chunk, run.context().CallDeadline());
    };
    KITH_RETURN_IF_ERROR(run.Once(target, write));
    state.offset += chunk.data.size();
    state.total = chunk.total_bytes;
  } while (state.offset < state.total);
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::string> TrainArtifact(const TrainingRun& run) {
  StartTrainingCall start;
  start.job = run.job;
  start.dimension = run.record.dimension;
  start.metric = run.record.metric;
  start.element_type = run.record.element_type;
  start.lists = run.plan.lists;
  start.subspaces = run.plan.subspaces;
  start.plane_b_bytes = run.plan.plane_b_bytes;
  start.seed = run.plan.seed;
  auto call = [&](ShardService& service) {
    return service.StartTraining(start, run.context().CallDeadline());
  };
  KITH_RETURN_IF_ERROR(run.Once(run.trainer(), call));
  while (true) {
    KITH_RETURN_IF_ERROR(run.operation.Pause(run.timing().poll));
    KITH_ASSIGN_OR_RETURN(const TrainingState state,
                          run.Repeat(run.trainer(), [&](ShardService& service) {
                            return service.GetTraining(run.job, run.context().CallDeadline());
                          }));
    KITH_RETURN_IF_ERROR(state.error);
    run.Report(kTraining, state.progress);
    if (state.done) return state.artifact;
  }
}

absl::Status CopyArtifact(const TrainingRun& run, const std::string& artifact) {
  std::set<std::string> holders{run.trainer().node};
  for (const ShardPlacement& placement : run.record.shards) {
    if (!holders.insert(placement.node).second) continue;
    for (int attempt = 1;; ++attempt) {
      const absl::Status copied = CopyOnce(run, artifact, placement);
      const bool again = absl::IsUnavailable(copied) && attempt < run.timing().attempts;
      if (!again) {
        KITH_RETURN_IF_ERROR(copied);
        break;
      }
      KITH_RETURN_IF_ERROR(run.operation.Pause(run.timing().retry_pause));
    }
  }
  return absl::OkStatus();
}

}  // namespace kith::coordinator
