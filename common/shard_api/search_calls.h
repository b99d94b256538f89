#ifndef KITH_COMMON_SHARD_API_SEARCH_CALLS_H_
#define KITH_COMMON_SHARD_API_SEARCH_CALLS_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/payload/filter.h"
#include "common/shard_api/search_priority.h"
#include "common/shard_api/shard_calls.h"
#include "common/vector/point_key.h"

namespace kith {

// A place in the order of hits, (score, key).
struct HitPlace {
  float score = 0;
  PointKey key;
};

struct SearchCall {
  ShardId shard = 0;
  Uuid incarnation;           // of the collection, as created: shard ids repeat between clusters
  std::string index_version;  // empty: no trained index, compare every row
  uint32_t count = 0;         // queries; 0, with a filter: only say how many points pass
  std::string queries;        // count x dimension of QueryType(element type)
  uint32_t limit = 10;
  uint32_t nprobe = 1;
  uint32_t refine = 160;  // 2^32-1: unlimited
  uint32_t rerank = 40;
  float stop_ratio = 0;  // of early termination (index/search.h); 0: none
  bool exact = false;
  std::optional<float> score_bound;      // L2: at most; inner product, cosine: at least
  uint64_t wait_lsn = 0;                 // answer as of this lsn or later
  std::shared_ptr<const Filter> filter;  // null: every point may be a hit
  bool widens = false;                   // nprobe may be made more where few points pass the filter
  // Only hits behind this one: the next page. What is looked at is as without it.
  std::optional<HitPlace> after;
  SearchPriority priority = SearchPriority::kInteractive;
  CancelMark cancelled = nullptr;  // not on the wire
};

// How a shard answered under a filter.
enum class FilterStrategy : uint8_t {
  kNone = 0,   // there was no filter
  kExact = 1,  // every point that passes was compared
  kLists = 2,
};

struct SearchStages {
  uint64_t queue_ns = 0;
  uint64_t coarse_ns = 0;
  uint64_t scan_ns = 0;
  uint64_t refine_ns = 0;
  uint64_t rerank_ns = 0;
  uint64_t total_ns = 0;
  uint64_t filter_ns = 0;  // finding the points that pass
};

struct SearchCounts {
  uint64_t lists_probed = 0;
  uint64_t rows_scanned = 0;
  uint64_t rows_exact = 0;
  uint64_t rows_refined = 0;
  uint64_t rows_reranked = 0;
};

struct SearchReply {
  std::vector<uint32_t> counts;  // hits of each query
  std::string keys;              // 17 bytes a hit
  std::vector<float> scores;     // exact, in (score, key) order within a query
  std::vector<uint64_t> versions;
  uint64_t live_points = 0;
  uint64_t codes_planned = 0;  // done < planned: the deadline came first
  uint64_t codes_done = 0;
  uint64_t lsn = 0;
  SearchCounts work;
  SearchStages stages;
  FilterStrategy filter_strategy = FilterStrategy::kNone;
  uint64_t filter_points = 0;  // live ones that pass the filter
  uint32_t nprobe = 0;         // lists that were probed, by the query with the most
  // Points compared exactly and found within score_bound, also those beyond the limit or before
  // `after`; and the queries of which a deeper look (refine, rerank) may find more of them. Of all
  // queries together.
  uint64_t points_within = 0;
  uint32_t queries_crowded = 0;
};

}  // namespace kith

#endif  // KITH_COMMON_SHARD_API_SEARCH_CALLS_H_
