#ifndef KITH_INDEX_REFINE_H_
#define KITH_INDEX_REFINE_H_

#include <cstdint>
#include <span>
#include <vector>

#include "index/exact_query.h"
#include "index/expiry.h"
#include "index/scan.h"

namespace kith::index {

// The second look at plane A's candidates. Between runs of kRun candidates both ways ask whether
// time is up, and forget those not reached; the first run is always completed.
//
// Threads: one at a time.
class Refiner {
 public:
  static constexpr size_t kRun = 4096;

  Refiner(const IndexView& view, const ExactQuery& query, std::span<const ScanRun> runs)
      : view_(view), query_(query), runs_(runs) {}

  // Starts fetching what the first run reads, into the second level of the cache: for a caller that
  // has something else to do meanwhile.
  void PrefetchFirst(const Candidates& candidates) const;

  // PlaneB::kRawU8: plane B is the vector, so the rank that replaces each is exact.
  void RankRaw(Candidates& candidates, Expiry& expiry);

  // Scratch of the two below, reused between queries.
  struct Scratch {
    // kBatch x dimension; under inner product, and of packed codes, the scaled query.
    std::vector<float> offsets;
  };
  // PlaneB::kResidual: replaces each rank by the nearer one of plane B.
  void RankResidual(Candidates& candidates, Expiry& expiry, Scratch& scratch);
  // PlaneB::kPackedResidual: the same for the candidates of `scan`, from their ranks by plane A.
  void RankPacked(PlaneAScan& scan, Expiry& expiry, Scratch& scratch);

 private:
  static constexpr size_t kBatch = 16;
  static constexpr size_t kPrefetched = 512;

  const uint8_t* PlaneBOf(const Candidate& candidate) const {
    return runs_[candidate.run].list.plane_b +
           size_t{candidate.position} * view_.version->plane_b_bytes();
  }
  void Prefetch(const Candidates& candidates, size_t begin) const;
  // Batches of candidates [begin, end).
  struct Batch {
    Candidates& candidates;
    size_t begin;
    size_t end;
    size_t size() const { return end - begin; }
    Candidate operator[](size_t i) const { return candidates[begin + i]; }
  };
  // rank(Batch) for the candidates in batches, the next one on its way.
  template <typename Rank>
  void ForEachBatch(Candidates& candidates, Expiry& expiry, const Rank& rank) const;
  void RankL2(const Batch& batch, float* offsets);
  void RankInnerProduct(const Batch& batch, const float* scaled_query, float constant);
  // What plane B adds to the ranks of a batch.
  void PackedTerms(const Batch& batch, const float* weights, float* terms) const;

  const IndexView& view_;
  const ExactQuery& query_;
  std::span<const ScanRun> runs_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_REFINE_H_
