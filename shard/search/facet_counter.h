#ifndef KITH_SHARD_SEARCH_FACET_COUNTER_H_
#define KITH_SHARD_SEARCH_FACET_COUNTER_H_

#include "absl/status/statusor.h"
#include "common/shard_api/facet_calls.h"
#include "shard/parts/copy_parts.h"
#include "shard/search/filter_cache.h"

namespace kith::shard {

// The values of a field and how many live points have each, as of one snapshot. Threads: any; takes
// time by the postings of the field, and reads the disk where the filter names ids.
// INVALID_ARGUMENT BAD_FILTER (also for a field without an index), UNAVAILABLE NOT_READY (behind
// the token), RESOURCE_EXHAUSTED TOO_MANY_VALUES, UNAVAILABLE STORAGE.
absl::StatusOr<FacetReply> CountFacet(const CopyParts& parts, const FacetCall& call,
                                      FilterCache& filters);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FACET_COUNTER_H_
