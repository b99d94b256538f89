#ifndef KITH_INDEX_DECODE_H_
#define KITH_INDEX_DECODE_H_

#include <cstddef>

#include "common/vector/element.h"

namespace kith::index {

// A vector as it is stored or sent: `dimension` elements of `type`; somebody else's memory.
struct StoredVector {
  ElementType type;
  const void* elements;
  size_t dimension;
};

// Its elements as floats, each multiplied by `scale` (1 / norm for cosine, else 1).
void DecodeVector(const StoredVector& vector, float scale, float* out);

// ||x||² in double, where no float overflows: sixteen lanes, folded in the order of
// kernels/kernel_table.h, so that every machine gets the same bits.
double SquaredLength(const StoredVector& vector);

// 1 / ||x||, the one formula of it: row file, encoder, queries and the truth of a file agree to the
// bit. 0 for a vector without a direction (zero, not finite, or so short that 1 / ||x|| is beyond
// floats): its similarity to everything is 0.
float InverseNorm(const StoredVector& vector);

}  // namespace kith::index

#endif  // KITH_INDEX_DECODE_H_
