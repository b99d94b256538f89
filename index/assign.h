#ifndef KITH_INDEX_ASSIGN_H_
#define KITH_INDEX_ASSIGN_H_

#include <cstdint>
#include <vector>

#include "index/nearest.h"
#include "index/pace.h"

namespace kith::index {

// The nearest centroid of every point. False when cancelled.
bool AssignAll(const Matrix& points, const Matrix& centroids, Pace& pace,
               std::vector<uint32_t>& nearest);
double AssignAllWork(const Matrix& points, const Matrix& centroids);

// Moves each point from the centroid it has in `nearest` to the nearest of that one's neighbours
// (the centroids closest to it, itself among them). Between two of Lloyd's iterations that is
// nearly always the nearest of all, for a small part of the work. False when cancelled.
bool AssignNear(const Matrix& points, const Matrix& centroids, Pace& pace,
                std::vector<uint32_t>& nearest);
double AssignNearWork(const Matrix& points, const Matrix& centroids);

// The points of each cluster, in ascending order.
struct Members {
  std::vector<uint32_t> begins;  // clusters + 1
  std::vector<uint32_t> points;

  Members(const std::vector<uint32_t>& nearest, size_t clusters);

  uint32_t Size(size_t cluster) const { return begins[cluster + 1] - begins[cluster]; }
  const uint32_t* Of(size_t cluster) const { return points.data() + begins[cluster]; }
};

}  // namespace kith::index

#endif  // KITH_INDEX_ASSIGN_H_
