#ifndef KITH_INDEX_SCAN_H_
#define KITH_INDEX_SCAN_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/vector/row_table.h"
#include "index/candidates.h"
#include "index/coarse.h"
#include "index/expiry.h"
#include "index/index_version.h"
#include "index/kernels/kernel_table.h"
#include "index/list_segment.h"
#include "index/search.h"

namespace kith::index {

// One probed list of one segment.
struct ScanRun {
  ListSegment::List list;
  uint32_t number;                    // of the list
  float term;                         // as in ProbedList
  uint32_t order;                     // how many lists were nearer
  const uint64_t* allowed = nullptr;  // one bit a vector: may be a hit; null: no filter
};

// When enough lists are taken under a filter; without one, all that were picked are.
struct ProbeLimits {
  uint32_t lists = 0;         // of which a row passes,
  uint64_t passing_rows = 0;  // and rows that pass in them
  uint32_t picked = 0;        // so many the coarse step has picked: where they do not do, all are
};

struct ScanLimits {
  uint32_t depth = 0;
  float stop_ratio = 0;  // as in SearchOptions
};

// Scans plane A of the probed lists and keeps the `depth` best live rows in order of (rank, key);
// all of them where depth is kUnlimited. So which rows go on does not depend on how they are spread
// over segments, nor on their numbers.
//
// The query's table holds bytes, so that a register looks many codes up at once; ranks are made of
// the sums as floats, and the threshold in the kernels' sixteen bits lets through a little more
// than the one in floats.
//
// Threads: one at a time.
class PlaneAScan {
 public:
  // Takes the query (decoded), which, as the view, must outlive the scan.
  void Bind(const IndexView& view, const float* query);
  // The tables of scans of one version, which read its codebooks together.
  static void MakeTables(std::span<PlaneAScan* const> scans);
  // Takes the first lists of `coarse`, which has picked them, and starts fetching them.
  void Start(CoarseStep& coarse, const ProbeLimits& limits);
  // Under a filter, in place of Scan: all that it could take, for who scans them elsewhere.
  void TakeAll() {
    while (TakeLists()) {
    }
  }
  void Scan(const ScanLimits& limits, Expiry& expiry);

  std::span<const ScanRun> runs() const { return runs_; }
  Candidates& candidates() { return candidates_; }
  uint32_t RowOf(const Candidate& candidate) const {
    return runs_[candidate.run].list.rows[candidate.position];
  }
  // Starts fetching what RowOf will read, of candidates from `begin` on.
  void PrefetchRows(size_t begin = 0) const;
  uint64_t scratch_bytes() const { return candidates_.memory_bytes(); }
  uint64_t planned() const { return planned_; }  // codes, had time not run out
  uint64_t scanned() const { return scanned_; }
  uint64_t lists_probed() const { return lists_probed_; }
  bool is_cut() const { return is_cut_; }  // live rows were left out at the depth
  // Under a filter: of the rows of the first lists of which any passes, the share that does.
  double passing_share() const {
    return static_cast<double>(first_passing_) /
           static_cast<double>(std::max<uint64_t>(1, first_rows_));
  }

  // The rank that the candidate's codes have in floats, without the byte table's rounding. After
  // Scan, until the next Prepare.
  float RankInFloats(const Candidate& candidate) const;
  // Keeps the `depth` candidates of smallest (rank, key), themselves in any order; the largest rank
  // kept. Again after their ranks were replaced.
  float Keep(uint32_t depth);
  // Drops the candidates and, where there is memory for more than `entries`, that memory.
  void GiveBack(size_t entries);

 private:
  void MakeByteTable();
  bool TakeLists();
  void DropEmpty();
  bool TakeAllowed(std::span<const ProbedList> lists);
  void TakeAllowed(const ProbedList& probe);
  bool IsSeen(uint32_t list);
  bool IsFarEnough(const ScanRun& run, float stop_ratio) const;
  void ScanList(uint32_t run);
  void ScanAllowed(uint32_t run, ByteScan part, uint32_t first);
  void ScanPart(uint32_t run, ByteScan part, uint32_t first);
  uint16_t ThresholdAbove(float base) const;
  void CutAt(uint32_t depth);
  void DropDead();
  void PrefetchBytes(size_t bytes);
  void PlanRest();

  const IndexView* view_ = nullptr;
  const IndexVersion* version_ = nullptr;
  const float* query_ = nullptr;
  CoarseStep* coarse_ = nullptr;
  const Tombstones* tombstones_ = nullptr;  // null where nothing is dead
  RowTable rows_;
  std::vector<float> float_table_;
  std::vector<uint8_t> table_;
  ByteTableScale scale_;
  uint16_t bias_factor_ = 0;
  std::vector<ScanRun> runs_;
  Candidates candidates_;
  size_t known_live_ = 0;  // of the candidates, the first so many
  uint32_t depth_ = 0;
  uint64_t planned_ = 0;
  uint64_t scanned_ = 0;
  uint64_t lists_probed_ = 0;
  ProbeLimits limits_;
  uint64_t passing_rows_ = 0;   // of the lists taken
  uint64_t rows_taken_ = 0;     // of those, passing or not
  uint64_t first_passing_ = 0;  // both, of the first kShareLists
  uint64_t first_rows_ = 0;
  std::vector<uint32_t>
      seen_;  // under a filter: lists that were looked at; sorted once all are picked
  float threshold_ = 0;
  bool is_cut_ = false;
  // How far the prefetch came: it runs ahead of the scan across the borders of lists.
  size_t ahead_run_ = 0;
  size_t ahead_byte_ = 0;
};

}  // namespace kith::index

#endif  // KITH_INDEX_SCAN_H_
