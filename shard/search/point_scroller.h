#ifndef KITH_SHARD_SEARCH_POINT_SCROLLER_H_
#define KITH_SHARD_SEARCH_POINT_SCROLLER_H_

#include "absl/status/statusor.h"
#include "common/shard_api/scroll_calls.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/filter_cache.h"

namespace kith::shard {

// The next points in the order of (slot, key), from the truth, as of one moment. Threads: any;
// blocks on the disk.
// INVALID_ARGUMENT BAD_REQUEST, FAILED_PRECONDITION WRONG_SHARD (a slot that the shard does not
// own), UNAVAILABLE NOT_READY (behind the token), UNAVAILABLE STORAGE, DATA_LOSS CORRUPTION.
// Under a filter, of which BAD_FILTER may be said too, it looks at limits::kScrollIdsMax points at
// most.
absl::StatusOr<ScrollReply> ScrollPoints(const CopyParts& parts, const ScrollCall& call,
                                         FilterCache& filters);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_POINT_SCROLLER_H_
