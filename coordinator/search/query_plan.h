#ifndef KITH_COORDINATOR_SEARCH_QUERY_PLAN_H_
#define KITH_COORDINATOR_SEARCH_QUERY_PLAN_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "common/shard_api/search_calls.h"
#include "coordinator/cluster/cluster_map.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

// What one attempt at a search asks of the shards. Immutable once made: shards may still be
// answering while the next attempt is under way.
struct SearchPlan {
  std::shared_ptr<const CollectionEntry> entry;
  SearchCall call;                        // without shard, queries and wait_lsn
  std::vector<uint64_t> wait_lsns;        // one a route
  uint32_t limit = 0;                     // hits a query in the answer
  std::vector<PointKey> leave_out;        // the points that the query came from
  bool is_flat = true;                    // every row is compared
  const char* flat_reason = "";           // why
  bool widens_range = false;              // lists and depth may be added to (range_rounds.h)
  std::optional<bool> is_recall_reached;  // by the curve, where nprobe was taken from it
  std::optional<double> target_recall;    // aimed at, where nprobe was taken from the curve

  SearchCall CallFor(size_t route, const std::string& queries) const;
};

// Chooses index version, nprobe and depth. Pure. INVALID_ARGUMENT for a token of another
// collection; everything else was checked before (query_check.h).
absl::StatusOr<SearchPlan> PlanSearch(std::shared_ptr<const CollectionEntry> entry,
                                      const SearchQuery& query);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_QUERY_PLAN_H_
