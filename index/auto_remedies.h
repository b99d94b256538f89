#ifndef KITH_INDEX_AUTO_REMEDIES_H_
#define KITH_INDEX_AUTO_REMEDIES_H_

#include <algorithm>
#include <cstdint>

#include "index/auto_parameters.h"

// What would fit where a collection does not. Header-only arithmetic, as auto_parameters.h.
namespace kith::index {

// The most points, of at most as many as `request` has, that can be built where `share` of them is
// on the fullest node; for saying what would fit.
constexpr uint64_t PointsThatFit(AutoRequest request, NodeShare share) {
  const double part = static_cast<double>(share.points) /
                      static_cast<double>(std::max<uint64_t>(request.points, 1));
  uint64_t fits = 0;
  uint64_t too_many = std::min(request.points, kAutoPointsMost) + 1;
  while (too_many - fits > std::max<uint64_t>(1, fits / 100)) {
    const uint64_t middle = fits + (too_many - fits) / 2;
    request.points = middle;
    share.points = static_cast<uint64_t>(part * static_cast<double>(middle));
    const bool is_room = ChooseParameters(request, {&share, 1}).room != Room::kNone;
    (is_room ? fits : too_many) = middle;
  }
  return fits;
}

// How many times the nodes there must be; 0 where not even `most` times as many are enough.
constexpr uint64_t NodeFactorThatFits(const AutoRequest& request, const NodeShare& share,
                                      uint64_t most) {
  for (uint64_t factor = 1; factor <= most; ++factor) {
    NodeShare smaller = share;
    smaller.points = (share.points + factor - 1) / factor;
    smaller.shards = std::max<uint64_t>(1, (share.shards + factor - 1) / factor);
    if (ChooseParameters(request, {&smaller, 1}).room != Room::kNone) return factor;
  }
  return 0;
}

// The largest dimension that fits, with which the vectors would have to be embedded; 0: none.
constexpr uint32_t DimensionThatFits(AutoRequest request, const NodeShare& share) {
  uint32_t fits = 0;
  uint32_t too_many = request.dimension + 1;
  request.subspaces = request.plane_b_bytes = 0;
  while (too_many - fits > 1) {
    request.dimension = fits + (too_many - fits) / 2;
    const bool is_room = ChooseParameters(request, {&share, 1}).room != Room::kNone;
    (is_room ? fits : too_many) = request.dimension;
  }
  return fits;
}

}  // namespace kith::index

#endif  // KITH_INDEX_AUTO_REMEDIES_H_
