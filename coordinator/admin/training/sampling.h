#ifndef KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_

#include <cstdint>
#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

// The points whose sample hash is below `sample_end` are trained on, those from there to
// `held_out_end` (0: to the end) are the queries; decided over all shards together, so that the
// layout has no say.
struct SampleBounds {
  uint64_t sample_end = 0;  // 0: every point
  uint64_t held_out_begin = 0;
  uint64_t held_out_end = 0;
};

absl::StatusOr<SampleBounds> FindSampleBounds(const TrainingRun& run);

// Streams the sample from every shard to the trainer, one chunk in memory. ABORTED
// TRAINING_IN_PROGRESS where the trainer is busy with another collection.
absl::Status SendSample(const TrainingRun& run, const SampleBounds& bounds);

// The queries: keys and stored vectors, at most TrainingPlan::held_out of them, in hash order.
absl::StatusOr<SampleChunk> ReadHeldOut(const TrainingRun& run, const SampleBounds& bounds);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_SAMPLING_H_
