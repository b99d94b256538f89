#ifndef KITH_INDEX_PACKED_TRAINING_H_
#define KITH_INDEX_PACKED_TRAINING_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/index_version.h"
#include "index/pace.h"
#include "index/packed_layout.h"
#include "index/training_points.h"

namespace kith::index {

// The mean squared error of a dimension that is coded in 0, 1, ... 8 bits.
using ErrorsByBits = std::array<double, PackedLayout::kMostBits + 1>;

// Deals `total` bits out one at a time, each where it lessens the error most; of equals to the
// lowest dimension. Bits that would lessen nothing are not dealt out.
std::vector<uint8_t> AllocateBits(std::span<const ErrorsByBits> errors, size_t total);

// Sets the bits and the ranges of packed plane B by what plane A leaves of the residuals that are
// no strays. The version's codebooks and bias range are set. False when cancelled.
bool TrainPackedPlane(const TrainingResiduals& residuals, std::span<const uint8_t> is_stray,
                      Pace& pace, IndexVersion& version);
// The work it counts with the pace.
double TrainPackedPlaneWork(size_t points, const IndexParameters& parameters);

}  // namespace kith::index

#endif  // KITH_INDEX_PACKED_TRAINING_H_
