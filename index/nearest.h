#ifndef KITH_INDEX_NEAREST_H_
#define KITH_INDEX_NEAREST_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/centroid_codes.h"
#include "index/group_walk.h"
#include "index/kernels/kernel_table.h"
#include "index/matrix.h"

namespace kith::index {

// Finds each point's nearest centroid (squared distance; of equals the lower one): by the
// centroids' codes where they and the point are exact, else among the few that codes say are
// nearest by floats. A point's answer does not depend on those beside it, nor on the machine.
//
// The few are the best by codes of the sixteen that are each the best of their class
// (kernels/kernel_table.h). Of SIFT as floats 0.075 % of the points have a nearer centroid than the
// one found, which adds 0.0004 % to their squared residuals
// (docs/decisions/0016-training-by-bytes.md). Where the centroids stand in groups, only those of
// the groups nearest to the point are looked at (index/group_walk.h).
//
// Threads: one at a time; one of these a thread.
class NearestFinder {
 public:
  // Both must outlive this.
  NearestFinder(const Matrix& centroids, const CoarseCodes& codes)
      : centroids_(centroids),
        codes_(codes.lists),
        walk_(codes),
        is_grouped_(codes.groups != nullptr) {}

  void Find(const Matrix& points, uint32_t* nearest);

 private:
  void FindAmongFew(const Matrix& points, uint32_t* nearest);
  uint32_t NearestOf(const PanelCandidate* classes, const float* point) const;

  Matrix centroids_;
  const CentroidCodes& codes_;
  GroupWalk walk_;
  const bool is_grouped_;
  std::vector<int8_t> point_codes_;
  std::vector<uint8_t> is_exact_;
  std::vector<PanelCandidate> candidates_;
};

// Points that make one search long enough to be worth a task and short enough (well under a second)
// to be stopped after.
size_t PointsOfTask(size_t compared_centroids, size_t dimension);

}  // namespace kith::index

#endif  // KITH_INDEX_NEAREST_H_
