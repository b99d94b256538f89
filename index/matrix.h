#ifndef KITH_INDEX_MATRIX_H_
#define KITH_INDEX_MATRIX_H_

#include <cstddef>

namespace kith::index {

// `count` rows of `dimension` floats, row-major; somebody else's memory.
struct Matrix {
  const float* rows = nullptr;
  size_t count = 0;
  size_t dimension = 0;

  const float* Row(size_t i) const { return rows + i * dimension; }
};

}  // namespace kith::index

#endif  // KITH_INDEX_MATRIX_H_
