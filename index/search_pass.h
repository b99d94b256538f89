#ifndef KITH_INDEX_SEARCH_PASS_H_
#define KITH_INDEX_SEARCH_PASS_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/coarse.h"
#include "index/exact_query.h"
#include "index/expiry.h"
#include "index/refine.h"
#include "index/scan.h"
#include "index/search.h"
#include "index/top_k.h"

namespace kith::index {

// Scratch of one query at a time.
struct SearchLane {
  ExactQuery query;
  TopK top;
  CoarseStep coarse;
  PlaneAScan scan;
  Refiner::Scratch refine;
  std::vector<uint32_t> rows;  // to compare exactly

  // One deep search must not hold its memory for as long as the thread lives.
  void GiveBackLarge();
  uint64_t scratch_bytes() const;
};

// One search, step by step, so that the steps of several can take turns. Either Exact alone, or
// BindSteps to Rank in order, lists being scored before they are picked and tables made before the
// scan; then Take.
//
// Threads: one at a time.
class SearchPass {
 public:
  SearchPass(const IndexView& view, const SearchOptions& options, SearchLane& lane,
             SearchAnswer& answer)
      : view_(view),
        options_(options),
        lane_(lane),
        answer_(answer),
        work_(answer.work),
        expiry_(options.expired) {}

  Status Bind(const void* vector);
  bool is_exact() const { return options_.exact || view_.version == nullptr; }

  // Every live row.
  void Exact();

  // What the steps of several searches do at once begins with this.
  void BindSteps();
  CoarseStep& coarse() { return lane_.coarse; }
  PlaneAScan& scan() { return lane_.scan; }
  SearchWork& work() { return work_; }
  // Chooses the lists and starts fetching the first.
  void PickLists();
  // Under a filter, in place of the next two: the lists that it wants scanned, nearest first, and
  // how. For who scans them elsewhere.
  struct FilteredScan {
    std::span<const ScanRun> runs;
    ScanLimits limits;
  };
  FilteredScan PlanFilteredScan();
  // Plane A of the lists, by the query's table; starts fetching what Rank reads.
  void Scan();
  // Plane B and exact ranks of the candidates; then the rows that have no code. Nearest first, so
  // that time running out costs least.
  void Rank();

  void Take();

 private:
  uint32_t Depth(uint32_t wanted) const;
  double Crowding() const;
  uint32_t RefineDepth() const;
  float StopRatio() const;
  uint32_t PickedLists() const;
  void PlanFlatRows();
  void RankCandidates();
  void OfferCandidates(const Candidates& candidates);
  // Of the candidates of a query that were compared exactly.
  void NoteWithin(uint64_t within, uint64_t compared);
  void Rerank(const Candidates& candidates);
  void CompareFlat(uint32_t begin, std::span<const uint32_t> side_rows);

  const IndexView& view_;
  const SearchOptions& options_;
  SearchLane& lane_;
  SearchAnswer& answer_;
  SearchWork& work_;
  Expiry expiry_;
  bool is_cut_ = false;  // candidates were left out at a depth
};

}  // namespace kith::index

#endif  // KITH_INDEX_SEARCH_PASS_H_
