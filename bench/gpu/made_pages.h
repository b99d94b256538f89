#ifndef KITH_BENCH_GPU_MADE_PAGES_H_
#define KITH_BENCH_GPU_MADE_PAGES_H_

#include <cstdint>

#include "index/gpu/card_views.h"
#include "index/status.h"

namespace kith::bench {

// Fills `bytes` of a card's memory, a multiple of 16, with noise.
index::Status FillNoise(void* memory, uint64_t bytes, uint32_t seed);
// numbers[i] = i / divisor.
index::Status FillNumbers(uint32_t* numbers, uint64_t count, uint32_t divisor);

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_MADE_PAGES_H_
