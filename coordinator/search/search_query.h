#ifndef KITH_COORDINATOR_SEARCH_SEARCH_QUERY_H_
#define KITH_COORDINATOR_SEARCH_SEARCH_QUERY_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/base/clock.h"
#include "common/base/search_limits.h"
#include "common/payload/field_value.h"
#include "common/shard_api/search_calls.h"
#include "common/vector/element.h"
#include "common/vector/point_key.h"
#include "coordinator/search/vector_input.h"
#include "coordinator/search/write_token.h"

// kith.v1.Search without a wire.
namespace kith::coordinator {

struct SearchParameters {
  std::optional<uint32_t> limit;
  std::optional<uint32_t> nprobe;
  std::optional<double> target_recall;
  bool exact = false;
  std::optional<double> max_distance;
  std::optional<double> min_score;
  std::optional<double> min_coverage;
  bool with_payload = false;
  bool with_vector = false;
  bool explain = false;
  std::vector<WriteToken> tokens;
  std::optional<uint32_t> refine;
  std::optional<uint32_t> rerank;
  std::shared_ptr<const Filter> filter;  // null: every point
  SearchPriority priority = SearchPriority::kInteractive;
};

// As kith.v1.Completeness.
enum class Completeness : uint8_t { kNone = 0, kExact = 1, kTargetRecall = 2, kDepth = 3 };

// A vector, or the stored vector of a point.
struct Example {
  VectorInput vector;
  std::optional<PointKey> point;
};

enum class ExampleStrategy : uint8_t { kAverage = 1, kBestScore = 2 };

struct Examples {
  std::vector<Example> positive;
  std::vector<Example> negative;
  ExampleStrategy strategy = ExampleStrategy::kAverage;
};

struct GroupBy {
  std::string field;
  uint32_t group_size = limits::kGroupSizeDefault;
};

// The form decides what fields are called in errors.
enum class QueryForm : uint8_t { kSingle, kBatch };

struct SearchQuery {
  std::string collection;
  QueryForm form = QueryForm::kSingle;
  uint32_t count = 1;                // queries in `vectors`
  VectorInput vectors;               // count rows; views, read before Search returns
  std::optional<PointKey> point;     // instead of vectors: the stored vector of this point
  std::optional<Examples> examples;  // instead of either; its views are read until `done`
  std::optional<GroupBy> group_by;
  std::string page_token;  // empty: the first page
  std::optional<uint32_t> page_depth;
  SearchParameters parameters;
  std::optional<Deadline> deadline;
  std::shared_ptr<const std::atomic<bool>> cancelled;  // true once nobody waits; may be null

  bool is_cancelled() const {
    return cancelled != nullptr && cancelled->load(std::memory_order_relaxed);
  }
};

// Flat: a batch is a few buffers. One entry a hit, the queries' hits after one another.
struct HitColumns {
  std::vector<uint32_t> counts;  // hits of each query, or of each group
  std::string keys;              // PointKey::kSize bytes a hit
  std::vector<float> scores;
  std::vector<uint64_t> versions;

  size_t size() const { return scores.size(); }
};

struct ShardFailure {
  ShardId shard = 0;
  std::string reason;
  std::string message;
};

struct Coverage {
  double ratio = 1;
  uint64_t points_searched = 0;
  uint64_t points_total = 0;
  uint32_t shards_ok = 0;
  uint32_t shards_total = 0;
  std::vector<ShardFailure> failed;
};

struct ShardStages {
  ShardId shard = 0;
  uint64_t lsn = 0;
  uint64_t points = 0;
  SearchCounts work;
  SearchStages stages;
  FilterStrategy filter_strategy = FilterStrategy::kNone;
  uint64_t filter_points = 0;
  uint32_t nprobe = 0;
};

struct Explanation {
  const char* strategy = "flat";     // kith.v1.Explanation.strategy
  const char* strategy_reason = "";  // why flat
  uint32_t nprobe = 0;               // 0 where flat, as the next two; these of each shard
  uint32_t refine = 0;
  double stop_ratio = 0;
  uint32_t rerank = 0;
  std::optional<bool> is_recall_reached;  // by the curve, where nprobe was taken from it
  std::optional<double> target_recall;    // aimed at, where nprobe was taken from the curve
  const char* target_recall_source = "";  // "request" or "collection"
  std::optional<uint64_t> filter_points;  // that pass; absent: no filter
  uint32_t range_rounds = 0;              // 0: no range
  uint64_t points_within = 0;             // it
  SearchCounts work;
  uint64_t points_total = 0;
  uint64_t coordinator_us = 0;
  uint64_t merge_us = 0;
  uint64_t payload_us = 0;
  std::vector<ShardStages> shards;
};

// The groups of a search that asked for them; their hits are those of SearchAnswer, counted by it.
struct HitGroups {
  std::vector<FieldValue> values;
  uint32_t candidates = 0;
  bool is_complete = false;  // more candidates could not change them
};

struct SearchAnswer {
  HitColumns hits;  // scores are exact: computed from the stored vectors
  std::optional<HitGroups> groups;
  std::string next_page_token;  // empty: this page is not full, or has no next one
  Completeness completeness = Completeness::kNone;
  std::vector<std::string> payloads;  // one a hit where asked for, else empty
  std::string vectors;                // stored form, likewise
  size_t vector_bytes = 0;            // of one stored vector
  Coverage coverage;
  std::string index_version;  // empty: answered by exact search
  std::optional<Explanation> explanation;
  // Why the answer is less than whole: the reasons of failed shards, CHANGED_MEANWHILE.
  std::vector<std::string> degraded;
};

}  // namespace kith::coordinator

#endif  // KITH_COORDINATOR_SEARCH_SEARCH_QUERY_H_
