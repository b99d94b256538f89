#ifndef KITH_COORDINATOR_ADMIN_TRAINING_ENCODING_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_ENCODING_H_

#include <string>

#include "absl/status/status.h"
#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

// Has every shard encode its rows under the artifact and waits until all report it ready. A node
// may restart meanwhile, for AdminTiming::node_patience.
absl::Status EncodeShards(const TrainingRun& run, const std::string& version);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_ENCODING_H_
