#ifndef KITH_BENCH_GPU_MADE_PAGES_H_
#define KITH_BENCH_GPU_MADE_PAGES_H_

#include <cstdint>

#include "index/gpu/card_views.h"
#include "index/status.h"

namespace kith::bench {

// Fills `bytes` of a card's memory, a multiple of 16, with noise.
index::Status FillNoise(void* memory, uint64_t bytes, uint32_t seed);
// rows[slot] = slot, page_lists[page] = page / pages_of_list.
index::Status FillNumbers(uint32_t* rows, uint64_t slots, uint32_t* page_lists, uint64_t pages,
                          uint32_t pages_of_list);

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_MADE_PAGES_H_
