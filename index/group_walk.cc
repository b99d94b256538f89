#include "index/group_walk.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <span>

#include "index/list_groups.h"
#include "index/smallest.h"

namespace kith::index {
namespace {

// Groups that a point's list is looked for in.
constexpr size_t kGroupsOfPoint = 32;

}  // namespace

size_t GroupWalk::Compared(size_t lists) {
  const size_t groups = GroupsOf(static_cast<uint32_t>(lists));
  return groups + std::min(groups, kGroupsOfPoint) * kGroupLists;
}

void GroupWalk::Find(const int8_t* points, size_t count, PanelCandidate* out) {
  std::fill_n(out, count * PanelCandidate::kClasses,
              PanelCandidate{std::numeric_limits<int32_t>::max(), 0});
  ChooseGroups(points, count);
  for (size_t group = 0; group < codes_.groups->centroids(); ++group) Visit(group, points, out);
}

void GroupWalk::ChooseGroups(const int8_t* points, size_t count) {
  constexpr size_t kTogether = 16;  // so that their scores stay in the cache
  const size_t groups = codes_.groups->centroids();
  const BytePanels panels = codes_.groups->distance_panels();
  const size_t lanes = panels.panels * BytePanels::kLanes;
  each_ = std::min(groups, kGroupsOfPoint);
  visited_.resize(count * each_);
  begins_.assign(groups + 1, 0);
  scores_.resize(kTogether * lanes);
  kept_.resize(lanes);
  indices_.resize(lanes);
  for (size_t begin = 0; begin < count; begin += kTogether) {
    const size_t some = std::min(kTogether, count - begin);
    const int8_t* codes[kTogether];
    int32_t* scores[kTogether];
    for (size_t i = 0; i < some; ++i) {
      codes[i] = points + (begin + i) * panels.width;
      scores[i] = &scores_[i * lanes];
    }
    ActiveKernels().panel_scores(panels, codes, some, scores);
    for (size_t i = 0; i < some; ++i) {
      PickSmallest({scores[i], groups}, each_, kept_.data(), indices_.data());
      std::copy_n(indices_.data(), each_, &visited_[(begin + i) * each_]);
      for (size_t k = 0; k < each_; ++k) ++begins_[indices_[k] + 1];
    }
  }
  std::partial_sum(begins_.begin(), begins_.end(), begins_.begin());
  visitors_.resize(visited_.size());
  std::vector<uint32_t> next(begins_.begin(), begins_.end() - 1);
  for (uint32_t i = 0; i < count; ++i) {
    for (size_t k = 0; k < each_; ++k) visitors_[next[visited_[i * each_ + k]]++] = i;
  }
}

// Groups come in ascending order: of equal lists the lower one stays.
void GroupWalk::Visit(size_t group, const int8_t* points, PanelCandidate* out) {
  const size_t count = begins_[group + 1] - begins_[group];
  if (count == 0) return;
  const uint32_t* visitors = &visitors_[begins_[group]];
  const BytePanels panel = PanelsOfGroups(codes_.lists.distance_panels(), group, 1);
  gathered_.resize(count * panel.width);
  found_.resize(count * PanelCandidate::kClasses);
  for (size_t i = 0; i < count; ++i) {
    std::copy_n(points + visitors[i] * panel.width, panel.width, &gathered_[i * panel.width]);
  }
  ActiveKernels().panel_candidates(panel, gathered_.data(), count, found_.data());
  const auto first = static_cast<uint32_t>(group * kGroupLists);
  for (size_t i = 0; i < count; ++i) {
    PanelCandidate* best = out + visitors[i] * PanelCandidate::kClasses;
    const PanelCandidate* found = &found_[i * PanelCandidate::kClasses];
    for (size_t c = 0; c < PanelCandidate::kClasses; ++c) {
      if (found[c].score < best[c].score) best[c] = {found[c].score, first + found[c].vector};
    }
  }
}

}  // namespace kith::index
