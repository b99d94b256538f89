#ifndef KITH_COORDINATOR_ADMIN_TRAINING_SHARD_SEARCH_H_
#define KITH_COORDINATOR_ADMIN_TRAINING_SHARD_SEARCH_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "coordinator/admin/training/training_run.h"

namespace kith::coordinator {

struct QuerySet {
  uint32_t count = 0;
  std::string vectors;            // in QueryType of the collection's element type
  std::vector<std::string> keys;  // whose point each query is
};

// The ten nearest other points of each query, and what finding them took.
struct NeighbourSets {
  std::vector<std::vector<std::string>> keys;
  uint64_t rows_compared = 0;
  uint64_t live_points = 0;  // of all shards, as they said last
};

// Asks every shard, in batches; `prototype` gives version, depths and exact. Every reply must be
// complete: DEADLINE_EXCEEDED rather than a recall that is too low.
absl::StatusOr<NeighbourSets> SearchShards(const TrainingRun& run, const QuerySet& queries,
                                           const SearchCall& prototype);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_ADMIN_TRAINING_SHARD_SEARCH_H_
