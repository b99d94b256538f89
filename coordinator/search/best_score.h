#ifndef KITH_COORDINATOR_SEARCH_BEST_SCORE_H_
#define KITH_COORDINATOR_SEARCH_BEST_SCORE_H_

#include <cstdint>
#include <string>

#include "common/shard_api/search_calls.h"
#include "common/vector/metric.h"
#include "coordinator/search/query_plan.h"
#include "coordinator/search/search_query.h"

// ExampleStrategy::kBestScore: each positive example is a query, and a point's score is the best
// one. Pure.
namespace kith::coordinator {

// How many hits to look for where `limit` are wanted: some are nearer to a negative example.
uint32_t CandidatesOf(uint32_t limit, const Examples& examples);

// The hits of all queries as those of one, each point once with its best score: the nearest
// `limit`.
HitColumns FoldBest(const HitColumns& hits, Metric metric, uint32_t limit);

// Asks how near each of the hits is to each of `count` negative examples; as the shards saw `plan`.
SearchCall NegativeCall(const SearchPlan& plan, const HitColumns& hits, uint32_t count);

// The nearest `limit` of `hits` (of one query) but those that are nearer to a negative example: of
// `near`, the hits of the negative queries. Points that are not among those are gone, and left out.
HitColumns WithoutNearer(const HitColumns& hits, const HitColumns& near, Metric metric,
                         uint32_t limit);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_BEST_SCORE_H_
