#ifndef KITH_INDEX_CENTROID_CODES_H_
#define KITH_INDEX_CENTROID_CODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/byte_range.h"
#include "index/huge_pages.h"
#include "index/kernels/kernel_table.h"
#include "index/matrix.h"

namespace kith::index {

// Centroids in one byte a dimension, packed for the byte products of the kernels: what the coarse
// step and the assignment of points compare, at a quarter of the memory and a fraction of the time
// of floats.
//
// Everything here is integer arithmetic on codes that are rounded in one place, so that every
// machine picks the same lists.
//
// Threads: immutable.
class CentroidCodes {
 public:
  CentroidCodes() = default;
  explicit CentroidCodes(const Matrix& centroids)
      : CentroidCodes(centroids, ByteRange::FitAround(centroids)) {}
  // In the bytes of a range that the points were encoded by.
  CentroidCodes(const Matrix& centroids, const ByteRange& range);

  const ByteRange& range() const { return range_; }
  // Bytes of an encoded query: the dimension rounded up to 4.
  size_t width() const { return range_.width(); }
  size_t centroids() const { return odd_norms_.size(); }
  // Scores by them order centroids by distance (to a point's code), or by product, largest first
  // (with a direction's code).
  BytePanels distance_panels() const { return Panels(distance_bias_); }
  BytePanels product_panels() const { return Panels(product_bias_); }

  // The code of a point for distance_panels. What lies outside the centroids' bytes counts as at
  // their border. False where the code is not the point itself.
  bool EncodePoint(const float* point, int8_t* code) const;
  // For product_panels: only its direction counts.
  void EncodeDirection(const float* vector, int8_t* code) const;

  // Whether the codes are the centroids themselves, to the nearest integer: then, for a point that
  // is its code, Distance is the squared distance.
  bool exact() const { return range_.is_exact(); }
  // What of a point's squared distances does not depend on the centroid.
  int64_t DistanceOffset(const int8_t* code) const;
  // From the centroid's score.
  int64_t Distance(int64_t offset, int32_t score, uint32_t centroid) const {
    return offset + 2 * int64_t{score} + odd_norms_[centroid];
  }

  uint64_t memory_bytes() const;

 private:
  BytePanels Panels(const std::vector<int32_t>& bias) const;
  size_t dimension() const { return range_.dimension(); }

  ByteRange range_;
  HugeBytes bytes_;
  std::vector<int32_t> distance_bias_;
  std::vector<int32_t> product_bias_;
  // The bit of ||code||² that the bias, half of it, has no room for.
  std::vector<uint8_t> odd_norms_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_CENTROID_CODES_H_
