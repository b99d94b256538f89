#include "common/base/lock_order.h"

#include "absl/synchronization/mutex.h"

namespace kith {

void StopLockOrderChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace kith
