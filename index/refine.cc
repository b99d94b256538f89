#include "index/refine.h"

#include <algorithm>
#include <cstring>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"
#include "index/packed_coder.h"
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

template <typename Rank>
void Refiner::ForEachBatch(Candidates& candidates, Expiry& expiry, const Rank& rank) const {
  Prefetch(candidates, 0);
  for (size_t begin = 0; begin < candidates.size(); begin += kBatch) {
    if (begin != 0 && begin % kRun == 0 && expiry.Ask()) {
      candidates.Truncate(begin);
      return;
    }
    Prefetch(candidates, begin + kBatch);
    rank(Batch{candidates, begin, std::min(begin + kBatch, candidates.size())});
  }
}

void Refiner::RankRaw(Candidates& candidates, Expiry& expiry) {
  ForEachBatch(candidates, expiry, [this](const Batch& batch) {
    const void* vectors[kBatch];
    float ranks[kBatch];
    for (size_t i = 0; i < batch.size(); ++i) vectors[i] = PlaneBOf(batch[i]);
    query_.RankVectors({vectors, batch.size()}, ranks);
    for (size_t i = 0; i < batch.size(); ++i) batch.candidates.set_rank(batch.begin + i, ranks[i]);
  });
}

void Refiner::RankResidual(Candidates& candidates, Expiry& expiry, Scratch& scratch) {
  const IndexVersion& version = *view_.version;
  const uint32_t dimension = view_.dimension;
  scratch.offsets.resize(kBatch * dimension);
  float* const offsets = scratch.offsets.data();
  if (version.parameters.metric != Metric::kInnerProduct) {
    ForEachBatch(candidates, expiry, [&](const Batch& batch) { RankL2(batch, offsets); });
    return;
  }
  float constant = 0;
  for (uint32_t j = 0; j < dimension; ++j) {
    offsets[j] = query_.decoded()[j] * version.refine_scale[j];
    constant += query_.decoded()[j] * version.refine_min[j];
  }
  ForEachBatch(candidates, expiry,
               [&](const Batch& batch) { RankInnerProduct(batch, offsets, constant); });
}

// The byte table's rounding would be as large as what tells near rows apart: ranks start in floats.
void Refiner::RankPacked(PlaneAScan& scan, Expiry& expiry, Scratch& scratch) {
  const IndexVersion& version = *view_.version;
  const bool inner_product = version.parameters.metric == Metric::kInnerProduct;
  const float factor = inner_product ? 1.0f : 2.0f;
  scratch.offsets.assign(version.packed_layout.view().count, 0);
  // The corrections' minimum too is the same for all.
  float constant = inner_product ? 0 : -version.correction_min;
  for (uint32_t j = 0; j < view_.dimension; ++j) {
    const float scaled = factor * query_.decoded()[j];
    scratch.offsets[j] = scaled * version.refine_scale[j];
    constant += scaled * version.refine_min[j];
  }
  ForEachBatch(scan.candidates(), expiry, [&](const Batch& batch) {
    float terms[kBatch];
    PackedTerms(batch, scratch.offsets.data(), terms);
    for (size_t i = 0; i < batch.size(); ++i) {
      const float rank = scan.RankInFloats(batch[i]) + (terms[i] - constant);
      batch.candidates.set_rank(batch.begin + i, OrderedRank(rank));
    }
  });
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
    const Candidate candidate = batch[i];
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
  for (size_t i = 0; i < batch.size(); ++i) codes[i] = PlaneBOf(batch[i]);
  ActiveKernels().refine_ip(scaled_query, codes, batch.size(), view_.dimension, products);
  for (size_t i = 0; i < batch.size(); ++i) {
    const float term = runs_[batch[i].run].term;
    batch.candidates.set_rank(batch.begin + i, OrderedRank(term - constant - products[i]));
  }
}

// packed_coder.h has the identity.
void Refiner::PackedTerms(const Batch& batch, const float* weights, float* terms) const {
  const IndexVersion& version = *view_.version;
  const uint8_t* rows[kBatch];
  for (size_t i = 0; i < batch.size(); ++i) rows[i] = PlaneBOf(batch[i]);
  ActiveKernels().packed_products(version.packed_layout.view(), weights, rows, batch.size(), terms);
  const bool has_correction = CorrectionBytes(version.parameters.metric) != 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    uint16_t correction = 0;
    if (has_correction) std::memcpy(&correction, rows[i], sizeof(correction));
    terms[i] = version.correction_scale * static_cast<float>(correction) - terms[i];
  }
}

}  // namespace kith::index
