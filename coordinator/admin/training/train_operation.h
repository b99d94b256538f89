#ifndef KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_OPERATION_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_OPERATION_H_

#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

// The whole training: sample, train, copy, encode, calibrate, and promote where TrainingPlan's rule
// says so (else the version waits); then the operation is finished. Where a stage fails or the
// operation is cancelled, what it left on the shards is dropped and everything else is as before.
// Blocks until it is over.
void RunTraining(const TrainingRun& run);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_TRAIN_OPERATION_H_
