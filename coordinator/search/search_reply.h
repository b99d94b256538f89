#ifndef KITH_COORDINATOR_SEARCH_SEARCH_REPLY_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_REPLY_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/telemetry/search_metrics.h"
#include "coordinator/search/point_reader.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/scatter_gather.h"
#include "coordinator/search/search_query.h"

// From the shards' replies to the answer. Pure, apart from the live points noted on the routes.
namespace kith::coordinator {

// Merge, coverage and explanation. A fault of the caller's that any shard names, and one that all
// failed shards share and that no coverage mends (INDEX_VERSION_NOT_READY), is the search's; other
// failures lower the coverage. Uses the replies up.
absl::StatusOr<SearchAnswer> MakeAnswer(const SearchPlan& plan, const SearchQuery& query,
                                        Replies<SearchReply>& replies);

// Hits of points deleted since are left out: nothing is returned beside a payload it never had.
void AddPoints(const PointRows& points, const SearchParameters& parameters, SearchAnswer& answer);

telemetry::SearchObservation Observe(const Replies<SearchReply>& replies);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_REPLY_H_
