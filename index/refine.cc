#include "index/refine.h"

#include <algorithm>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"
#include "index/prefetch.h"

namespace kith::index {

void Refiner::Prefetch(const Candidates& candidates, size_t begin) const {
  const size_t end = std::min(begin + kBatch, candidates.size());
  const uint32_t bytes = view_.version->plane_b_bytes();
  for (size_t i = begin; i < end; ++i) PrefetchAll(PlaneBOf(candidates[i]), bytes);
}

void Refiner::PrefetchFirst(const Candidates& candidates) const {
  const size_t count = std::min(candidates.size(), kPrefetched);
  const uint32_t bytes = view_.version->plane_b_bytes();
  for (size_t i = 0; i < count; ++i) {
    const uint8_t* codes = PlaneBOf(candidates[i]);
    for (uint32_t j = 0; j < bytes; j += kCacheLineBytes) {
      __builtin_prefetch(codes + j, 0, 2);
    }
    __builtin_prefetch(codes + bytes - 1, 0, 2);
  }
}

void Refiner::RankRaw(Candidates& candidates, Expiry& expiry) {
  const void* vectors[kBatch];
  float ranks[kBatch];
  Prefetch(candidates, 0);
  for (size_t begin = 0; begin < candidates.size(); begin += kBatch) {
    if (begin != 0 && begin % kRun == 0 && expiry.Ask()) {
      candidates.Truncate(begin);
      return;
    }
    Prefetch(candidates, begin + kBatch);
    const size_t count = std::min(kBatch, candidates.size() - begin);
    for (size_t i = 0; i < count; ++i) vectors[i] = PlaneBOf(candidates[begin + i]);
    query_.RankVectors({vectors, count}, ranks);
    for (size_t i = 0; i < count; ++i) candidates.set_rank(begin + i, ranks[i]);
  }
}

void Refiner::RankResidual(Candidates& candidates, Expiry& expiry, Scratch& scratch) {
  const IndexVersion& version = *view_.version;
  const uint32_t dimension = view_.dimension;
  const bool inner_product = version.parameters.metric == Metric::kInnerProduct;
  scratch.offsets.resize(kBatch * dimension);
  float constant = 0;
  if (inner_product) {
    for (uint32_t j = 0; j < dimension; ++j) {
      scratch.offsets[j] = query_.decoded()[j] * version.refine_scale[j];
      constant += query_.decoded()[j] * version.refine_min[j];
    }
  }
  Prefetch(candidates, 0);
  for (size_t begin = 0; begin < candidates.size(); begin += kBatch) {
    if (begin != 0 && begin % kRun == 0 && expiry.Ask()) {
      candidates.Truncate(begin);
      return;
    }
    Prefetch(candidates, begin + kBatch);
    const Batch batch{candidates, begin, std::min(begin + kBatch, candidates.size())};
    if (inner_product) {
      RankInnerProduct(batch, scratch.offsets.data(), constant);
    } else {
      RankL2(batch, scratch.offsets.data());
    }
  }
}

void Refiner::RankL2(const Batch& batch, float* offsets) {
  const IndexVersion& version = *view_.version;
  const uint32_t dimension = view_.dimension;
  const float* query = query_.decoded();
  const float* of[kBatch];
  const uint8_t* codes[kBatch];
  float ranks[kBatch];
  float* next = offsets;
  uint32_t run = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const Candidate candidate = batch.candidates[batch.begin + i];
    codes[i] = PlaneBOf(candidate);
    if (i != 0 && candidate.run == run) {
      of[i] = of[i - 1];
      continue;
    }
    run = candidate.run;
    const float* centroid = version.Centroid(runs_[run].number);
    for (uint32_t j = 0; j < dimension; ++j) {
      next[j] = (query[j] - centroid[j]) - version.refine_min[j];
    }
    of[i] = next;
    next += dimension;
  }
  ActiveKernels().refine_l2(of, version.refine_scale.data(), codes, batch.size(), dimension, ranks);
  for (size_t i = 0; i < batch.size(); ++i) {
    batch.candidates.set_rank(batch.begin + i, OrderedRank(ranks[i]));
  }
}

void Refiner::RankInnerProduct(const Batch& batch, const float* scaled_query, float constant) {
  const uint8_t* codes[kBatch];
  float products[kBatch];
  for (size_t i = 0; i < batch.size(); ++i) {
    codes[i] = PlaneBOf(batch.candidates[batch.begin + i]);
  }
  ActiveKernels().refine_ip(scaled_query, codes, batch.size(), view_.dimension, products);
  for (size_t i = 0; i < batch.size(); ++i) {
    const float term = runs_[batch.candidates[batch.begin + i].run].term;
    batch.candidates.set_rank(batch.begin + i, OrderedRank(term - constant - products[i]));
  }
}

}  // namespace kith::index
