#ifndef KITH_INDEX_SCAN_H_
#define KITH_INDEX_SCAN_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "common/vector/row_table.h"
#include "index/coarse.h"
#include "index/expiry.h"
#include "index/index_version.h"
#include "index/list_segment.h"
#include "index/search.h"

namespace kith::index {

// One probed list of one segment.
struct ScanRun {
  ListSegment::List list;
  uint32_t number;  // of the list
  float term;       // as in ProbedList
};

// A live row that plane A let through.
struct Candidate {
  float rank;  // approximate
  uint32_t row;
  uint32_t run;       // index into the runs
  uint32_t position;  // in that run's list
};

// Scans plane A of the probed lists and keeps the `depth` best live rows in order of (rank, key);
// all of them where depth is kUnlimited. So which rows go on does not depend on how they are spread
// over segments, nor on their numbers.
//
// Threads: one at a time.
class PlaneAScan {
 public:
  // Lays out what will be scanned, in the order of `probes`, and the table of the query (decoded).
  void Prepare(const IndexView& view, std::span<const ProbedList> probes, const float* query);
  void Scan(uint32_t depth, Expiry& expiry);

  std::span<const ScanRun> runs() const { return runs_; }
  std::vector<Candidate>& candidates() { return candidates_; }
  uint64_t scratch_bytes() const { return candidates_.capacity() * sizeof(Candidate); }
  uint64_t planned() const { return planned_; }  // codes of all runs
  uint64_t scanned() const { return scanned_; }

  // Keeps the `depth` candidates of smallest (rank, key), themselves in any order. Again after
  // their ranks were replaced.
  void Keep(uint32_t depth);
  // Drops the candidates and, where there is memory for more than `entries`, that memory.
  void GiveBack(size_t entries);

 private:
  void ScanList(uint32_t run, uint32_t depth);
  void ScanBlock(uint32_t run, uint32_t block);
  void CutAt(uint32_t depth);
  void PrefetchBytes(size_t bytes);

  const IndexVersion* version_ = nullptr;
  const Tombstones* tombstones_ = nullptr;  // null where nothing is dead
  RowTable rows_;
  std::vector<float> table_;
  std::vector<ScanRun> runs_;
  std::vector<Candidate> candidates_;
  uint64_t planned_ = 0;
  uint64_t scanned_ = 0;
  float threshold_ = 0;
  // How far the prefetch came: it runs ahead of the scan across the borders of lists.
  size_t ahead_run_ = 0;
  size_t ahead_byte_ = 0;
};

}  // namespace kith::index

#endif  // KITH_INDEX_SCAN_H_
