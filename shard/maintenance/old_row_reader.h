#ifndef KITH_SHARD_MAINTENANCE_OLD_ROW_READER_H_
#define KITH_SHARD_MAINTENANCE_OLD_ROW_READER_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "shard/parts/field_states.h"
#include "shard/parts/old_rows.h"
#include "shard/storage/state_store.h"

namespace kith::shard {

// The next rows of a field that is being built, few enough that the writer, which is to take them,
// is not held for long. Rows that die meanwhile are in it: the writer knows.
// Threads: any; reads the disk.
absl::StatusOr<OldRows> ReadOldRows(storage::StateStore& state, const FieldStates& fields,
                                    uint16_t place);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_OLD_ROW_READER_H_
