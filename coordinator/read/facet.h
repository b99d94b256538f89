#ifndef KITH_COORDINATOR_READ_FACET_H_
#define KITH_COORDINATOR_READ_FACET_H_

#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/read/get_service.h"
#include "coordinator/search/scatter_gather.h"

// Facets without shards: what is wrong with a call, and one answer of all replies. Pure.
namespace kith::coordinator {

// INVALID_ARGUMENT BAD_FILTER, LIMIT_OUT_OF_RANGE naming the field of the request.
absl::Status CheckFacet(const FacetPointsCall& call, const CollectionRecord& record);

// The first shard's error where there is one; DATA_LOSS CORRUPTION for a value that is none of the
// field's type.
absl::StatusOr<FacetAnswer> MergeFacets(const Replies<FacetReply>& replies, FieldType type,
                                        uint32_t limit);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_READ_FACET_H_
