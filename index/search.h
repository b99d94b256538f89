#ifndef KITH_INDEX_SEARCH_H_
#define KITH_INDEX_SEARCH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "common/vector/element.h"
#include "common/vector/metric.h"
#include "common/vector/point_key.h"
#include "common/vector/row_table.h"
#include "index/allowed_lists.h"
#include "index/list_segment.h"
#include "index/status.h"
#include "index/tombstones.h"

namespace kith::index {

// Everything one search reads, as of one moment. Rows [0, indexed_end) are in `segments` (or dead);
// rows [indexed_end, rows.row_end) are the tail, compared exactly. Without a version every row is.
struct IndexView {
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  uint32_t dimension = 0;
  RowTable rows = {};
  const Tombstones* tombstones = nullptr;
  const IndexVersion* version = nullptr;
  std::span<const std::shared_ptr<const ListSegment>> segments = {};
  uint32_t indexed_end = 0;
  // One bit a row, row 0 in bit 0 of word 0, none of a dead row, up to rows.row_end: the rows that
  // may be hits. Empty: every live row.
  std::span<const uint64_t> allowed = {};
  // The same in the order of the segments' lists; there where `allowed` and a version are.
  const AllowedLists* allowed_lists = nullptr;

  bool MayBeHit(uint32_t row) const {
    if (!allowed.empty()) return (allowed[row >> 6] >> (row & 63) & 1) != 0;
    return tombstones == nullptr || !tombstones->IsDead(row);
  }
};

constexpr uint32_t kUnlimited = std::numeric_limits<uint32_t>::max();

// A place in the order of hits.
struct RankPlace {
  float rank;
  PointKey key;
};

// `refine` and `rerank` below `limit` are raised to it, `nprobe` above the number of lists means
// all.
struct SearchOptions {
  uint32_t limit = 10;
  uint32_t nprobe = 1;  // under a filter: lists of which a row passes
  // Under a filter: lists are probed, also above nprobe, until so many rows that pass lie in them.
  uint64_t passing_rows = 0;
  // Under a filter: the share of all rows that pass; `refine` is fitted to how they lie in the
  // probed lists. 0: as it is.
  double passing_share = 0;
  uint32_t refine = 160;  // candidates of plane A looked at through plane B
  uint32_t rerank = 40;   // candidates of plane B compared exactly with the stored vector
  bool exact = false;     // compare every live row
  // Early termination: lists come in order of distance, and once one lies farther than this many
  // times the distance of the `refine`-th candidate so far, it and those behind it are left out.
  // Infinite: never. Not under inner product, whose lists have no distance.
  float stop_ratio = std::numeric_limits<float>::infinity();
  // Hits must have rank <= rank_bound (ranks: common/vector/metric.h).
  float rank_bound = std::numeric_limits<float>::infinity();
  // Only hits behind this place: the next page. What is looked at is as without it.
  std::optional<RankPlace> after = std::nullopt;
  // Asked between lists and between runs of exact rows; true ends the search early.
  std::function<bool()> expired = nullptr;
};

// A hit's `rank` is exact, computed from the stored vector; smaller is nearer.
struct Hit {
  float rank;
  uint32_t row;
};

struct SearchWork {
  uint64_t lists_probed = 0;
  uint64_t rows_scanned = 0;   // codes compared
  uint64_t rows_exact = 0;     // rows compared exactly by the flat scan
  uint64_t rows_refined = 0;   // 0 where no more candidates came than are re-ranked anyway
  uint64_t rows_reranked = 0;  // 0 where plane B holds the vectors
  uint64_t codes_planned = 0;  // rows_scanned + rows_exact, had it not expired
  uint64_t codes_done = 0;     // of those, the ones the answer takes account of
  uint64_t rows_within = 0;    // compared exactly and of rank <= rank_bound, also beyond the limit
  // 1 where candidates were cut at a depth and more than half of those left are within rank_bound:
  // a deeper look may find more that are.
  uint64_t crowded = 0;
  uint64_t coarse_ns = 0;
  uint64_t scan_ns = 0;
  uint64_t refine_ns = 0;
  uint64_t rerank_ns = 0;

  void Add(const SearchWork& other);
};

// What is searched and for what: `vector` has `dimension` elements of QueryType(element_type) (the
// cosine query is normalised inside).
struct Query {
  const IndexView& view;
  const void* vector;
};

struct SearchAnswer {
  std::vector<Hit> hits;
  SearchWork work;
};

// Scratch of one search thread, reused between queries. Threads: one at a time.
class SearchWorkspace {
 public:
  SearchWorkspace();
  ~SearchWorkspace();
  struct State;
  State& state() { return *state_; }
  // Memory kept for the next search, of what grows with a search's depth and limit: bounded.
  uint64_t scratch_bytes() const;

 private:
  std::unique_ptr<State> state_;
};

// The nearest `limit` rows in order of (rank, key): ties are broken by the bytes of the key, never
// by row number, also at the limit and where plane A and plane B are cut at their depths. So an
// answer does not depend on how rows are numbered or spread over segments.
// With exact, or nprobe = lists and refine = rerank = kUnlimited, the answer is the true one. Of u8
// vectors of more than 258 dimensions a squared distance or product above 2^24 is rounded to the
// nearest float, and rows whose integers round alike tie.
// An expired search returns the best of what it completed; work says how much that is.
// kInvalidArgument LIMIT_ZERO, NPROBE_ZERO, RANK_BOUND_NOT_A_NUMBER (an option), QUERY_NOT_FINITE
// or QUERY_ZERO (no direction, under cosine): the message names the field and the remedy.
Status Search(const Query& query, const SearchOptions& options, SearchWorkspace& workspace,
              SearchAnswer& answer);

// Queries that lie one after another, `stride` bytes apart.
struct QueryBatch {
  const IndexView& view;
  const void* vectors;
  size_t stride;

  const void* Vector(size_t i) const { return static_cast<const std::byte*>(vectors) + i * stride; }
};

// Search of answers.size() queries, each answered as Search would: their steps take turns, so that
// memory works for one while another computes, and of many those that lie near one another follow
// one another. Where a query is refused the answers say nothing.
Status SearchBatch(const QueryBatch& batch, const SearchOptions& options,
                   SearchWorkspace& workspace, std::span<SearchAnswer> answers);

}  // namespace kith::index

#endif  // KITH_INDEX_SEARCH_H_
