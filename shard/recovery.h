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
  uint64_t bytes_replayed = 0;  // of the log
  uint64_t rows_rewritten = 0;  // row records that were missing or damaged
  bool segments_lost = false;   // the index is encoded again from the truth
  bool index_lost = false;      // its artifact cannot be read: it is to be fetched and built again
  uint64_t digest_repairs = 0;  // rows or indexes that were whole and yet not what the truth says
};

// Whether state and log together hold what was acknowledged: DATA_LOSS CORRUPTION where they do
// not. `parts` has neither yet; the state is only looked at, so that a copy that is refused keeps
// every file of it, those too which a damaged MANIFEST does not name.
absl::Status CheckBeforeOpening(const CopyParts& parts, const storage::StateOptions& state);

// The fields that a copy of that state indexes.
absl::StatusOr<FieldStates> LoadFields(storage::StateStore& state, const ShardSpec& spec);

// Brings a copy from its files to a published snapshot: manifest and segments, tombstones, row
// records checked (and written again from the truth where they are wrong), the log's entries above
// the applied one replayed, digests of truth and index compared. `manifest` is what stands on disk.
//
// What can be made again from the truth is: rows, tombstones, indexes. DATA_LOSS CORRUPTION where
// something acknowledged is missing or the digests differ even then: the copy must not serve.
// Threads: one, before any other uses the parts.
absl::StatusOr<RecoveryReport> Recover(CopyParts& parts, Manifest& manifest);

}  // namespace kith::shard

#endif  // KITH_SHARD_RECOVERY_H_
