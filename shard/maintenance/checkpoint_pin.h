#ifndef KITH_SHARD_MAINTENANCE_CHECKPOINT_PIN_H_
#define KITH_SHARD_MAINTENANCE_CHECKPOINT_PIN_H_

#include <string>

#include "absl/status/status.h"
#include "shard/maintenance/checkpointer.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// Second names of all the files that a start would begin from, below `directory`, which is not
// there: state/, seg/, artifacts/. They stay as they are whatever the copy does afterwards. While
// it runs no other checkpoint may replace the files that the checkpointer names; what is written
// meanwhile is in the copy of the state, as a start after it would find it.
absl::Status PinCheckpoint(const CopyParts& parts, const Checkpointer& checkpointer,
                           const std::string& directory);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_CHECKPOINT_PIN_H_
