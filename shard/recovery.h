#ifndef KITH_SHARD_RECOVERY_H_
#define KITH_SHARD_RECOVERY_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "shard/maintenance/manifest.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// What opening a copy found and mended.
struct RecoveryReport {
  uint64_t entries_replayed = 0;
  uint64_t rows_rewritten = 0;  // row records that were missing or damaged
  bool segments_lost = false;   // the index is encoded again from the truth
};

// Brings a copy from its files to a published snapshot: manifest and segments, tombstones, row
// records checked (and written again from the truth where they are wrong), the log's entries above
// the applied one replayed, digests of truth and index compared. `manifest` is what stands on disk.
//
// DATA_LOSS CORRUPTION where something acknowledged is missing or the digests differ: the copy must
// not serve. Threads: one, before any other uses the parts.
absl::StatusOr<RecoveryReport> Recover(CopyParts& parts, Manifest& manifest);

}  // namespace kith::shard

#endif  // KITH_SHARD_RECOVERY_H_
