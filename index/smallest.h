#ifndef KITH_INDEX_SMALLEST_H_
#define KITH_INDEX_SMALLEST_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace kith::index {

// The `wanted` (at least 1) smallest of `values`, of equals the first, in the order in which they
// stand: kept[] takes them and indices[] where they stood. Both have room for all values. How many:
// fewer than `wanted` only where there are no more.
size_t PickSmallest(std::span<const int32_t> values, size_t wanted, int32_t* kept,
                    uint32_t* indices);

}  // namespace kith::index

#endif  // KITH_INDEX_SMALLEST_H_
