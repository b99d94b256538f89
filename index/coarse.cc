#include "index/coarse.h"

#include <algorithm>

#include "common/vector/metric.h"
#include "index/kernels/kernel_table.h"
#include "index/list_groups.h"
#include "index/smallest.h"

namespace kith::index {
namespace {

// A query that stops early needs some 30 lists; sorting them is quicker than sorting all.
constexpr size_t kFirstLists = 32;
constexpr size_t kMoreLists = 64;
// Lists that are looked at for each that is wanted, and beside them.
constexpr size_t kListsPerProbe = 32;
constexpr size_t kMoreThanProbes = 3072;

// Of the generated 65,536 x 80 of decision 0020 that finds 99 % of the lists; under inner product
// it takes twice as many: lists of long centroids are wanted, whatever their group's mean is.
size_t GroupsOfQuery(uint32_t nprobe, Metric metric) {
  const size_t groups = (size_t{nprobe} * kListsPerProbe + kMoreThanProbes) / kGroupLists;
  return metric == Metric::kInnerProduct ? 2 * groups : groups;
}

// What a query is compared with first.
const CentroidCodes& First(const IndexVersion& version) {
  return version.group_codes.centroids() != 0 ? version.group_codes : version.centroid_codes;
}

BytePanels PanelsOf(const IndexVersion& version, const CentroidCodes& codes) {
  return version.parameters.metric == Metric::kInnerProduct ? codes.product_panels()
                                                            : codes.distance_panels();
}

}  // namespace

void CoarseStep::Bind(const IndexVersion& version, const float* query) {
  version_ = &version;
  query_ = query;
  const CentroidCodes& codes = version.centroid_codes;
  code_.resize(codes.width());
  exact_ = false;
  by_score_ = false;
  if (version.parameters.metric == Metric::kInnerProduct) {
    codes.EncodeDirection(query, code_.data());
  } else {
    exact_ = codes.EncodePoint(query, code_.data()) && codes.exact();
    if (exact_) offset_ = codes.DistanceOffset(code_.data());
  }
}

// With groups of lists these are scored, and in Pick the lists of the nearest.
void CoarseStep::Score(std::span<CoarseStep* const> steps) {
  constexpr size_t kMost = 8;
  const BytePanels panels = PanelsOf(*steps.front()->version_, First(*steps.front()->version_));
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

void CoarseStep::Pick(uint32_t nprobe) {
  nprobe = std::min(nprobe, version_->lists());
  is_first_ = true;
  if (version_->group_codes.centroids() == 0) {
    left_ = PickFrom(version_->lists(), nprobe);
    return;
  }
  ScoreListsOfGroups(nprobe);
  // The padding of a short last group has the largest score of all: more lists than are wanted
  // stand before it.
  left_ = PickFrom(scores_.size(), nprobe);
  for (size_t i = 0; i < left_; ++i) {
    picked_[i] = groups_[picked_[i] / kGroupLists] * kGroupLists + picked_[i] % kGroupLists;
  }
}

// Of the first `count` scores.
size_t CoarseStep::PickFrom(size_t count, uint32_t nprobe) {
  picked_scores_.resize(scores_.size());
  picked_.resize(scores_.size());
  return PickSmallest({scores_.data(), count}, nprobe, picked_scores_.data(), picked_.data());
}

// Chooses groups_, in ascending order, and makes scores_ those of their lists.
void CoarseStep::ScoreListsOfGroups(uint32_t nprobe) {
  const size_t all = version_->group_codes.centroids();
  groups_.resize(scores_.size());
  group_scores_.resize(scores_.size());
  const size_t wanted = std::min(all, GroupsOfQuery(nprobe, version_->parameters.metric));
  groups_.resize(PickSmallest({scores_.data(), all}, wanted, group_scores_.data(), groups_.data()));
  scores_.resize(groups_.size() * kGroupLists);
  const BytePanels panels = PanelsOf(*version_, version_->centroid_codes);
  const int8_t* code = code_.data();
  for (size_t i = 0; i < groups_.size();) {
    size_t end = i + 1;
    while (end < groups_.size() && groups_[end] == groups_[i] + (end - i)) ++end;
    int32_t* scores = scores_.data() + i * kGroupLists;
    ActiveKernels().panel_scores(PanelsOfGroups(panels, groups_[i], end - i), &code, 1, &scores);
    i = end;
  }
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

void CoarseStep::SortByScore() {
  scored_.resize(some_.size());
  for (size_t i = 0; i < some_.size(); ++i) scored_[i] = {some_scores_[i], some_[i]};
  std::sort(scored_.begin(), scored_.end(), [](const auto& a, const auto& b) {
    return a.first != b.first ? a.first < b.first : a.second.list < b.second.list;
  });
  for (size_t i = 0; i < some_.size(); ++i) some_[i] = scored_[i].second;
}

std::span<const ProbedList> CoarseStep::More() {
  if (left_ == 0) return {};
  const size_t wanted = is_first_ ? kFirstLists : kMoreLists;
  is_first_ = false;
  TakeNearest(std::min(left_, wanted));
  ComputeTerms();
  if (by_score_) {
    SortByScore();
    return some_;
  }
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
