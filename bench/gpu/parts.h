#ifndef KITH_BENCH_GPU_PARTS_H_
#define KITH_BENCH_GPU_PARTS_H_

#include <cstdint>
#include <string>

#include "bench/gpu/report.h"
#include "index/gpu/card.h"

namespace kith::bench {

struct PartOptions {
  uint64_t points = 0;  // 0: as many as memory holds, at most 1e9; of recall 1e6
  // Where recall leaves its points, their true neighbours and its rates for other libraries; empty:
  // nowhere.
  std::string peers_folder;
};

// Look-ups in skewed tables per clock and multiprocessor: the scan's integers, and floats.
index::Status MeasureLookups(index::gpu::Card& card, Report& report);

// Bandwidth of plane A over random codes, beside that of a copy and of a plain read.
index::Status MeasureScan(index::gpu::Card& card, const PartOptions& options, Report& report);

// Queries a second of an index made on the card, 96 dimensions in 24 bytes: batches of 1, 16, 1024,
// ten of those one behind the other, and with their encoding. Its codes are random, so it says
// nothing of recall.
index::Status MeasureSearch(index::gpu::Card& card, const PartOptions& options, Report& report);

// Recall, agreement with the CPU and queries a second of points around made centres, trained and
// encoded by the engine. Such points are not real ones.
index::Status MeasureRecall(index::gpu::Card& card, const PartOptions& options, Report& report);

}  // namespace kith::bench

#endif  // KITH_BENCH_GPU_PARTS_H_
