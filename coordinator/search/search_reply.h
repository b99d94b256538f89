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

// Merge, coverage and explanation. A fault of the caller's that any shard names is the search's;
// every other failure lowers the coverage. Uses the replies up.
absl::StatusOr<SearchAnswer> MakeAnswer(const SearchPlan& plan, const SearchQuery& query,
                                        Replies<SearchReply>& replies);

// Every hit's point is there in the version that was searched.
bool AreAsFound(const PointRows& points, const HitColumns& hits);

// Hits of points deleted or replaced since are left out, and `degraded` says so: no score is
// returned beside a payload or vector that it was not computed for.
void AddPoints(const PointRows& points, const SearchParameters& parameters, SearchAnswer& answer);

telemetry::SearchObservation Observe(const Replies<SearchReply>& replies);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_REPLY_H_
