#ifndef KITH_INDEX_COARSE_H_
#define KITH_INDEX_COARSE_H_

#include <cstdint>
#include <vector>

#include "index/index_version.h"

namespace kith::index {

// A list and its share of every rank in it: ||q - c||², or -<q, c> under inner product.
struct ProbedList {
  float term;
  uint32_t list;
};

// Picks the lists nearest to a query. Threads: one at a time.
class CoarseStep {
 public:
  // The `nprobe` lists (at most all) of smallest (term, list), in that order. `query` is decoded.
  // Which lists these are is decided by ||q||² + ||c||² - 2<q, c>, one product a list; the terms
  // given back are ||q - c||² itself, which keeps its digits however far from the origin both are.
  const std::vector<ProbedList>& Nearest(const IndexVersion& version, const float* query,
                                         uint32_t nprobe);

 private:
  void ComputeTerms(const IndexVersion& version, const float* query);
  // Replaces the terms of the lists found.
  void MeasureNearest(const IndexVersion& version, const float* query);
  // A term that more than `nprobe` lists are likely to lie under, from a sample.
  float SampledCut(uint32_t nprobe);

  std::vector<float> terms_;
  std::vector<float> sample_;
  std::vector<ProbedList> nearest_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_COARSE_H_
