#ifndef KITH_INDEX_BYTE_RANGE_H_
#define KITH_INDEX_BYTE_RANGE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/matrix.h"

namespace kith::index {

// How floats become bytes, a byte a dimension: the bytes of each dimension begin at a value of its
// own, and one step holds for all dimensions, as a distance adds them up.
//
// Threads: immutable.
class ByteRange {
 public:
  ByteRange() = default;
  // Of values that are bytes already.
  static ByteRange OfBytes(size_t dimension);
  // Of such values as `rows` (at least one) has; OfBytes where all of them are bytes. The few that
  // lie far outside the others count as at the border: one of them could take most of the steps.
  static ByteRange Fit(const Matrix& rows);
  // Of points that such centroids were trained on: these lie around them, and so reach farther.
  static ByteRange FitAround(const Matrix& centroids);

  size_t dimension() const { return low_.size(); }
  // Bytes of a code: the dimension rounded up to 4, as the byte products want it.
  size_t width() const { return (dimension() + 3) / 4 * 4; }
  bool is_exact() const { return exact_; }  // of bytes
  // To the nearest byte, what lies outside to the border.
  uint8_t Byte(float value, size_t j) const;
  float Value(float byte, size_t j) const { return low_[j] + byte * step_; }
  // The bytes of a row less 128, then zeros up to the width.
  void Encode(const float* row, int8_t* code) const;

  const std::vector<float>& low() const { return low_; }
  const std::vector<float>& inverse_step() const { return inverse_step_; }

 private:
  static ByteRange FitWithMargin(const Matrix& rows, float margin);
  void SetStep(float step);

  bool exact_ = false;
  float step_ = 1;
  std::vector<float> low_;           // of each dimension
  std::vector<float> inverse_step_;  // the same for all
};

}  // namespace kith::index

#endif  // KITH_INDEX_BYTE_RANGE_H_
