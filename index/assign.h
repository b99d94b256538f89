#ifndef KITH_INDEX_ASSIGN_H_
#define KITH_INDEX_ASSIGN_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "index/byte_range.h"
#include "index/centroid_codes.h"
#include "index/group_walk.h"
#include "index/pace.h"

namespace kith::index {

// Rows of floats that are made where they are wanted: out takes the dimension of row i.
struct RowSource {
  size_t count = 0;
  size_t dimension = 0;
  std::function<void(size_t i, float* out)> read;
};

// Points in the bytes of a range (ByteRange::Encode), width() bytes each.
struct CodedPoints {
  const ByteRange& range;
  std::vector<int8_t> codes = {};
  size_t count = 0;

  const int8_t* Row(size_t i) const { return codes.data() + i * range.width(); }
};

// False when cancelled.
bool EncodePoints(const RowSource& rows, Pace& pace, CodedPoints& points);

// The centroid nearest to every point by codes, which are of the points' range; with groups among
// those of the nearest groups. False when cancelled.
bool AssignCodes(const CodedPoints& points, const CoarseCodes& centroids, Pace& pace,
                 std::vector<uint32_t>& nearest);
// The nearest by floats (NearestFinder); more than kUngroupedLists of them stand in groups. False
// when cancelled.
bool AssignRows(const RowSource& rows, const Matrix& centroids, Pace& pace,
                std::vector<uint32_t>& nearest);
// The work that either counts with the pace: most of it, where centroids stand in groups.
double AssignWork(size_t points, size_t centroids, size_t dimension);

// The points of each cluster, in ascending order.
struct Members {
  std::vector<uint32_t> begins;  // clusters + 1
  std::vector<uint32_t> points;

  Members(const std::vector<uint32_t>& nearest, size_t clusters);

  size_t clusters() const { return begins.size() - 1; }
  uint32_t Size(size_t cluster) const { return begins[cluster + 1] - begins[cluster]; }
  const uint32_t* Of(size_t cluster) const { return points.data() + begins[cluster]; }
};

}  // namespace kith::index

#endif  // KITH_INDEX_ASSIGN_H_
