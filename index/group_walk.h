#ifndef KITH_INDEX_GROUP_WALK_H_
#define KITH_INDEX_GROUP_WALK_H_

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/centroid_codes.h"
#include "index/kernels/kernel_table.h"

namespace kith::index {

// The codes of all lists' centroids and, where the lists stand in groups (index/list_groups.h), of
// the groups; both in the bytes of one range. Somebody else's memory.
struct CoarseCodes {
  const CentroidCodes& lists;
  const CentroidCodes* groups = nullptr;
};

inline bool IsNearer(const PanelCandidate& a, const PanelCandidate& b) {
  return a.score != b.score ? a.score < b.score : a.vector < b.vector;
}
// Of PanelCandidate::kClasses candidates.
inline uint32_t NearestOfClasses(const PanelCandidate* classes) {
  return std::min_element(classes, classes + PanelCandidate::kClasses, IsNearer)->vector;
}

// Points among groups: compares each with the means of all groups, then with the lists of the
// nearest. The points of one call share the loads of a group's codes, but an answer does not depend
// on the points beside it.
//
// Threads: one at a time; one of these a thread.
class GroupWalk {
 public:
  // The codes, with groups, must outlive this.
  explicit GroupWalk(const CoarseCodes& codes) : codes_(codes) {}

  // As the kernels' panel_candidates among the lists that were looked at: `points` are codes, `out`
  // has room for PanelCandidate::kClasses a point.
  void Find(const int8_t* points, size_t count, PanelCandidate* out);

  // Centroids that a point is compared with.
  static size_t Compared(size_t lists);

 private:
  void ChooseGroups(const int8_t* points, size_t count);
  void Visit(size_t group, const int8_t* points, PanelCandidate* out);

  const CoarseCodes codes_;
  size_t each_ = 0;                 // groups of a point
  std::vector<uint32_t> visited_;   // by point
  std::vector<uint32_t> begins_;    // of each group, among
  std::vector<uint32_t> visitors_;  // points by group
  std::vector<int32_t> scores_;
  std::vector<int32_t> kept_;
  std::vector<uint32_t> indices_;
  std::vector<int8_t> gathered_;
  std::vector<PanelCandidate> found_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_GROUP_WALK_H_
