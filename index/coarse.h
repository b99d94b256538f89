#ifndef KITH_INDEX_COARSE_H_
#define KITH_INDEX_COARSE_H_

#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "index/index_version.h"

namespace kith::index {

// A list and its share of every rank in it: ||q - c||², or -<q, c> under inner product.
struct ProbedList {
  float term;
  uint32_t list;
};

// Picks the lists nearest to a query by their codes (index/centroid_codes.h), and hands them out a
// few at a time: a search that stops early never sorts the rest. Where lists are many they stand in
// groups (index/list_groups.h), and only those of the nearest groups are looked at: some of the
// lists picked are then not quite the nearest. The terms are exact whatever the
// codes are, and keep their digits however far from the origin query and centroids are.
//
// Threads: one at a time.
class CoarseStep {
 public:
  // Takes the query (decoded), which, as the version, must outlive the steps.
  void Bind(const IndexVersion& version, const float* query);
  // Scores all lists, or all groups, for queries of one version at once: their centroids are read
  // once for all.
  static void Score(std::span<CoarseStep* const> steps);
  // Picks the `nprobe` (at most all) lists of smallest (score, list).
  void Pick(uint32_t nprobe);
  // From the next Pick on lists come in order of (score, list). So their order does not depend on
  // which others were dropped, while terms are computed of a few at a time.
  void OrderByScore() { by_score_ = true; }
  // Takes those of the picked lists away that `is_out(list)`. None was handed out yet.
  template <typename Predicate>
  void Drop(Predicate is_out) {
    size_t kept = 0;
    for (size_t i = 0; i < left_; ++i) {
      picked_scores_[kept] = picked_scores_[i];
      picked_[kept] = picked_[i];
      kept += is_out(picked_[i]) ? 0 : 1;
    }
    left_ = kept;
  }
  // The next nearest ones, in order of (term, list), after those handed out before; none when all
  // were. Valid until the next call.
  std::span<const ProbedList> More();
  // Those not handed out.
  std::span<const uint32_t> Rest() const { return {picked_.data(), left_}; }

 private:
  size_t PickFrom(size_t count, uint32_t nprobe);
  void ScoreListsOfGroups(uint32_t nprobe);
  void TakeNearest(size_t count);
  void SortByScore();
  void ComputeTerms();

  const IndexVersion* version_ = nullptr;
  const float* query_ = nullptr;
  std::vector<int8_t> code_;
  bool exact_ = false;  // scores are distances
  int64_t offset_ = 0;
  std::vector<int32_t> scores_;  // of all lists; with groups of these, then of their lists
  std::vector<uint32_t> groups_;
  std::vector<int32_t> group_scores_;
  // The picked lists that were not handed out, ascending, and their scores.
  std::vector<int32_t> picked_scores_;
  std::vector<uint32_t> picked_;
  size_t left_ = 0;
  bool is_first_ = true;
  bool by_score_ = false;
  std::vector<ProbedList> some_;  // handed out now
  std::vector<int32_t> some_scores_;
  std::vector<std::pair<int32_t, ProbedList>> scored_;
  std::vector<const void*> centroids_;
  std::vector<float> terms_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_COARSE_H_
