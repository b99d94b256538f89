#ifndef KITH_SHARD_SEARCH_POINT_SCROLLER_H_
#define KITH_SHARD_SEARCH_POINT_SCROLLER_H_

#include "absl/status/statusor.h"
#include "common/shard_api/scroll_calls.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// The next points in the order of (slot, key), from the truth, as of one moment. Threads: any;
// blocks on the disk.
// INVALID_ARGUMENT BAD_REQUEST, FAILED_PRECONDITION WRONG_SHARD (a slot that the shard does not
// own), UNAVAILABLE NOT_READY (behind the token), UNAVAILABLE STORAGE, DATA_LOSS CORRUPTION.
absl::StatusOr<ScrollReply> ScrollPoints(const CopyParts& parts, const ScrollCall& call);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_POINT_SCROLLER_H_
