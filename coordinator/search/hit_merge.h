#ifndef KITH_COORDINATOR_SEARCH_HIT_MERGE_H_
#define KITH_COORDINATOR_SEARCH_HIT_MERGE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "common/shard_api/search_calls.h"
#include "common/vector/metric.h"
#include "common/vector/point_key.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

struct MergeOptions {
  Metric metric = Metric::kL2;
  uint32_t count = 0;               // queries
  uint32_t limit = 0;               // hits a query, at most
  std::vector<PointKey> leave_out;  // the points that the query came from
};

// DATA_LOSS CORRUPTION where the columns of a reply do not fit each other or the call.
absl::Status CheckReply(const SearchReply& reply, const SearchCall& call);

// The nearest of all replies, in order of (rank, key bytes) within a query. The replies passed
// CheckReply and are each in that order; they are used up. Pure.
HitColumns MergeHits(std::vector<SearchReply*> replies, const MergeOptions& options);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_HIT_MERGE_H_
