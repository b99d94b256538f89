#ifndef KITH_COMMON_VECTOR_ELEMENT_H_
#define KITH_COMMON_VECTOR_ELEMENT_H_

#include <cstddef>
#include <cstdint>

namespace kith {

// What a stored vector is made of. The values are on disk and on the wire: never renumber.
enum class ElementType : uint8_t { kF32 = 1, kF16 = 2, kU8 = 3 };

constexpr size_t ElementSize(ElementType type) {
  return type == ElementType::kF32 ? 4 : type == ElementType::kF16 ? 2 : 1;
}

// A query is float32 for f32 and f16 collections and u8 for u8 ones, so that u8 stays integer.
constexpr ElementType QueryType(ElementType stored) {
  return stored == ElementType::kU8 ? ElementType::kU8 : ElementType::kF32;
}

}  // namespace kith

#endif  // KITH_COMMON_VECTOR_ELEMENT_H_
