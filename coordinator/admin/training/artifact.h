#ifndef KITH_COORDINATOR_ADMIN_TRAINING_ARTIFACT_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_ARTIFACT_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

// Starts the job on the trainer, whose sample is there, and waits for the artifact's name.
absl::StatusOr<std::string> TrainArtifact(const TrainingRun& run);

// Copies the artifact in checked chunks from the trainer to every other node of the collection.
absl::Status CopyArtifact(const TrainingRun& run, const std::string& artifact);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_ARTIFACT_H_
