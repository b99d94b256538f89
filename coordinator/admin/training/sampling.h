#ifndef KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_

#include "absl/status/statusor.h"
#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

// Draws the sample over all shards together, so that the layout has no say: the points with the
// smallest sample hashes go to the trainer, chunk by chunk with one in memory; the next ones are
// the queries and come back, keys and stored vectors in hash order. Where a node goes away
// meanwhile everything is drawn again.
//
// ABORTED TRAINING_IN_PROGRESS where the trainer is busy with another collection.
absl::StatusOr<SampleChunk> DrawSample(const TrainingRun& run);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_
