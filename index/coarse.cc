#include "index/coarse.h"

#include <algorithm>
#include <limits>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr int32_t kNever = std::numeric_limits<int32_t>::max();
// A query that stops early needs some 30 lists; sorting them is quicker than sorting all.
constexpr size_t kFirstLists = 32;
constexpr size_t kMoreLists = 64;

}  // namespace

void CoarseStep::Bind(const IndexVersion& version, const float* query) {
  version_ = &version;
  query_ = query;
  const CentroidCodes& codes = version.centroid_codes;
  code_.resize(codes.width());
  exact_ = false;
  if (version.parameters.metric == Metric::kInnerProduct) {
    codes.EncodeDirection(query, code_.data());
  } else {
    exact_ = codes.EncodePoint(query, code_.data()) && codes.exact();
    if (exact_) offset_ = codes.DistanceOffset(code_.data());
  }
}

void CoarseStep::Score(std::span<CoarseStep* const> steps) {
  constexpr size_t kMost = 8;
  const IndexVersion& version = *steps.front()->version_;
  const bool product = version.parameters.metric == Metric::kInnerProduct;
  const BytePanels panels =
      product ? version.centroid_codes.product_panels() : version.centroid_codes.distance_panels();
  const int8_t* codes[kMost];
  int32_t* scores[kMost];
  for (size_t begin = 0; begin < steps.size(); begin += kMost) {
    const size_t count = std::min(kMost, steps.size() - begin);
    for (size_t i = 0; i < count; ++i) {
      CoarseStep& step = *steps[begin + i];
      step.scores_.resize(panels.panels * BytePanels::kLanes);
      codes[i] = step.code_.data();
      scores[i] = step.scores_.data();
    }
    ActiveKernels().panel_scores(panels, codes, count, scores);
  }
}

int32_t CoarseStep::SampledCut(uint32_t nprobe) {
  constexpr size_t kSample = 256;
  const size_t lists = version_->lists();
  if (lists < 4 * kSample || uint64_t{nprobe} * 4 > lists) return kNever;
  const size_t step = lists / kSample;
  sample_.resize(kSample);
  for (size_t i = 0; i < kSample; ++i) sample_[i] = scores_[i * step];
  // Half as many again as wanted, and some for the sample's own scatter: too few costs a second
  // pass, too many a longer selection.
  const size_t rank = std::min(kSample, size_t{nprobe} * 3 / 2 * kSample / lists + 7);
  return ActiveKernels().kth_smallest(sample_.data(), kSample, rank);
}

void CoarseStep::Collect(uint32_t nprobe) {
  picked_scores_.resize(scores_.size());
  picked_.resize(scores_.size());
  const auto collect = [this](int32_t limit) {
    return ActiveKernels().collect_at_most(scores_.data(), version_->lists(), limit,
                                           picked_scores_.data(), picked_.data());
  };
  left_ = collect(SampledCut(nprobe));
  if (left_ < nprobe) left_ = collect(kNever);
}

// Of equal scores the lower lists stay: they stand first.
void CoarseStep::DropBeyond(uint32_t nprobe) {
  if (left_ <= nprobe) return;
  const int32_t last = ActiveKernels().kth_smallest(picked_scores_.data(), left_, nprobe);
  size_t below = 0;
  for (size_t i = 0; i < left_; ++i) below += picked_scores_[i] < last;
  size_t ties = nprobe - below;
  size_t kept = 0;
  for (size_t i = 0; i < left_; ++i) {
    const bool tied = picked_scores_[i] == last;
    const bool stays = picked_scores_[i] < last || (tied && ties > 0);
    ties -= tied && stays;
    picked_scores_[kept] = picked_scores_[i];
    picked_[kept] = picked_[i];
    kept += stays;
  }
  left_ = kept;
}

void CoarseStep::Pick(uint32_t nprobe) {
  nprobe = std::min(nprobe, version_->lists());
  is_first_ = true;
  Collect(nprobe);
  DropBeyond(nprobe);
}

// Moves the nearest `count`, and those as near as the last of them, from the picked to some_.
void CoarseStep::TakeNearest(size_t count) {
  const int32_t last = ActiveKernels().kth_smallest(picked_scores_.data(), left_, count);
  some_.resize(left_);
  some_scores_.resize(left_);
  size_t taken = 0;
  size_t kept = 0;
  for (size_t i = 0; i < left_; ++i) {
    const int32_t score = picked_scores_[i];
    const uint32_t list = picked_[i];
    some_[taken].list = list;
    some_scores_[taken] = score;
    picked_scores_[kept] = score;
    picked_[kept] = list;
    taken += score <= last;
    kept += score > last;
  }
  some_.resize(taken);
  left_ = kept;
}

std::span<const ProbedList> CoarseStep::More() {
  if (left_ == 0) return {};
  const size_t wanted = is_first_ ? kFirstLists : kMoreLists;
  is_first_ = false;
  TakeNearest(std::min(left_, wanted));
  ComputeTerms();
  std::sort(some_.begin(), some_.end(), [](const ProbedList& a, const ProbedList& b) {
    return a.term != b.term ? a.term < b.term : a.list < b.list;
  });
  return some_;
}

void CoarseStep::ComputeTerms() {
  if (exact_) {
    for (size_t i = 0; i < some_.size(); ++i) {
      const int64_t distance =
          version_->centroid_codes.Distance(offset_, some_scores_[i], some_[i].list);
      some_[i].term = static_cast<float>(distance);
    }
    return;
  }
  const bool product = version_->parameters.metric == Metric::kInnerProduct;
  const auto kernel = product ? ActiveKernels().ip_f32 : ActiveKernels().l2_f32;
  centroids_.clear();
  for (const ProbedList& probe : some_) centroids_.push_back(version_->Centroid(probe.list));
  terms_.resize(some_.size());
  kernel(query_, centroids_.data(), some_.size(), version_->dimension(), terms_.data());
  // Values that overflowed have no order, and sorting needs one.
  for (size_t i = 0; i < some_.size(); ++i) {
    some_[i].term = OrderedRank(product ? -terms_[i] : terms_[i]);
  }
}

}  // namespace kith::index
