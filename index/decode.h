#ifndef KITH_INDEX_DECODE_H_
#define KITH_INDEX_DECODE_H_

#include <cstddef>

#include "common/vector/element.h"

namespace kith::index {

// `n` stored elements as floats, each multiplied by `scale` (1 / norm for cosine, else 1).
void DecodeVector(ElementType type, const void* vector, size_t n, float scale, float* out);

// 1 / ||x||, 0 for the zero vector.
float InverseNorm(const float* vector, size_t n);

}  // namespace kith::index

#endif  // KITH_INDEX_DECODE_H_
