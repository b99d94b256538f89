#ifndef KITH_COMMON_SHARD_API_FACET_CALLS_H_
#define KITH_COMMON_SHARD_API_FACET_CALLS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"

namespace kith {

// The values of one indexed field, and how many points have each.
struct FacetCall {
  ShardId shard = 0;
  Uuid incarnation;
  std::string field;
  std::shared_ptr<const Filter> filter;  // only of points that pass; null: of all
  uint64_t wait_lsn = 0;
};

// Ascending by value, each once; as of one moment.
struct FacetReply {
  std::string values;                 // as EncodeAs gives them, one after another
  std::vector<uint32_t> value_sizes;  // one a value
  std::vector<uint64_t> counts;       // likewise
  uint64_t lsn = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_FACET_CALLS_H_
