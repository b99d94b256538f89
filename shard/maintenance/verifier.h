#ifndef KITH_SHARD_MAINTENANCE_VERIFIER_H_
#define KITH_SHARD_MAINTENANCE_VERIFIER_H_

#include "absl/status/statusor.h"
#include "common/shard_api/shard_calls.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// The digests of what searches would find in `index` (null: in the row file), computed from its own
// rows: every row in its lists, its side lists and the tail that is not dead, once.
storage::SlotDigests IndexDigests(const Snapshot& snapshot, const BuiltIndex* index);

// Slots in which two sets of digests differ.
uint64_t CountMismatches(const storage::SlotDigests& a, const storage::SlotDigests& b);

// Recomputes everything: truth from the stored rows, each index from its own, and compares both
// with the digests kept by the writer, all as of one lsn. Waits (up to the deadline) for a moment
// without writes in between; UNAVAILABLE NOT_READY where there is none.
absl::StatusOr<VerifyReply> VerifyCopy(CopyParts& parts, Deadline deadline);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_VERIFIER_H_
