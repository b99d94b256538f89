#ifndef KITH_COORDINATOR_SEARCH_COVERAGE_H_
#define KITH_COORDINATOR_SEARCH_COVERAGE_H_

#include <cstdint>
#include <span>

#include "absl/status/status.h"
#include "common/shard_api/shard_calls.h"
#include "coordinator/search/search_query.h"

namespace kith::coordinator {

// What became of one shard's part of a search.
struct ShardProgress {
  ShardId shard = 0;
  absl::Status status;
  uint64_t points = 0;  // live; as last known where it failed, and then 0 is "never heard of"
  uint32_t slots = 0;   // how many it owns
  uint64_t codes_planned = 0;
  uint64_t codes_done = 0;
};

// Searched points / points. A shard that stopped at the deadline counts the share of its planned
// codes that it completed, one that failed counts nothing. A failed shard whose size is not known
// weighs what its slots hold elsewhere, and never nothing: a shard that is loading must not look
// like an empty one. Pure.
Coverage MeasureCoverage(std::span<const ShardProgress> shards);

// UNAVAILABLE COVERAGE_BELOW_MINIMUM with the coverage and the failed shards among its facts.
absl::Status CheckCoverage(const Coverage& coverage, double minimum);

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_COVERAGE_H_
