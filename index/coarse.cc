#include "index/coarse.h"

#include <algorithm>
#include <limits>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool Nearer(const ProbedList& a, const ProbedList& b) {
  return a.term != b.term ? a.term < b.term : a.list < b.list;
}

}  // namespace

void CoarseStep::ComputeTerms(const IndexVersion& version, const float* query) {
  const KernelTable& kernels = ActiveKernels();
  const size_t dimension = version.dimension();
  terms_.resize(version.lists());
  kernels.dot_tile(query, 1, version.centroids.data(), version.lists(), dimension, terms_.data());
  if (version.parameters.metric == Metric::kInnerProduct) {
    for (float& term : terms_) term = -term;
  } else {
    float query_norm = 0;
    kernels.dot_tile(query, 1, query, 1, dimension, &query_norm);
    const float* norms = version.centroid_norms.data();
    for (size_t i = 0; i < terms_.size(); ++i) {
      terms_[i] = (query_norm + norms[i]) - 2 * terms_[i];
    }
  }
  // Values that overflowed have no order, and sorting needs one.
  for (float& term : terms_) term = OrderedRank(term);
}

float CoarseStep::SampledCut(uint32_t nprobe) {
  constexpr size_t kSample = 256;
  const size_t lists = terms_.size();
  if (lists < 4 * kSample || uint64_t{nprobe} * 4 > lists) return kInfinity;
  const size_t step = lists / kSample;
  sample_.clear();
  for (size_t i = 0; i < kSample; ++i) sample_.push_back(terms_[i * step]);
  // Half as many again as wanted, and some for the sample's own scatter: too few costs a second
  // pass, too many a longer sort.
  const size_t rank = std::min(kSample - 1, size_t{nprobe} * 3 / 2 * kSample / lists + 6);
  std::nth_element(sample_.begin(), sample_.begin() + static_cast<ptrdiff_t>(rank), sample_.end());
  return sample_[rank];
}

void CoarseStep::MeasureNearest(const IndexVersion& version, const float* query) {
  constexpr size_t kBatch = 64;
  const void* centroids[kBatch];
  float distances[kBatch];
  for (size_t begin = 0; begin < nearest_.size(); begin += kBatch) {
    const size_t count = std::min(kBatch, nearest_.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      centroids[i] = version.Centroid(nearest_[begin + i].list);
    }
    ActiveKernels().l2_f32(query, centroids, count, version.dimension(), distances);
    for (size_t i = 0; i < count; ++i) nearest_[begin + i].term = OrderedRank(distances[i]);
  }
}

const std::vector<ProbedList>& CoarseStep::Nearest(const IndexVersion& version, const float* query,
                                                   uint32_t nprobe) {
  ComputeTerms(version, query);
  nprobe = std::min(nprobe, version.lists());
  float cut = SampledCut(nprobe);
  while (true) {
    nearest_.resize(terms_.size());
    size_t count = 0;
    for (uint32_t list = 0; list < terms_.size(); ++list) {
      nearest_[count] = {terms_[list], list};
      count += terms_[list] <= cut;
    }
    nearest_.resize(count);
    if (count >= nprobe) break;
    cut = kInfinity;
  }
  const auto end = nearest_.begin() + nprobe;
  if (end != nearest_.end()) std::nth_element(nearest_.begin(), end, nearest_.end(), Nearer);
  nearest_.resize(nprobe);
  if (version.parameters.metric != Metric::kInnerProduct) MeasureNearest(version, query);
  std::sort(nearest_.begin(), nearest_.end(), Nearer);
  return nearest_;
}

}  // namespace kith::index
