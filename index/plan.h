#ifndef KITH_INDEX_PLAN_H_
#define KITH_INDEX_PLAN_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "common/vector/element.h"
#include "common/vector/metric.h"
#include "common/vector/row_table.h"
#include "index/index_version.h"

// Header-only arithmetic: what an index of a given shape takes. The coordinator may include it.
namespace kith::index {

// Below this a collection answers by exact search.
constexpr uint64_t kFlatPoints = 50'000;

constexpr uint32_t AutoLists(uint64_t points) {
  // About 4 * sqrt(points), a power of two: measured best between 200 k and 10 M points.
  uint64_t root = 1;
  while (root * root < points) root *= 2;
  return static_cast<uint32_t>(std::clamp<uint64_t>(root * 4, 16, 1u << 18));
}

constexpr uint32_t AutoSubspaces(uint32_t dimension) {
  // d/8 to d/4 bytes, 64 at most; small dimensions keep a byte for two.
  const uint32_t wanted = dimension <= 32      ? (dimension + 1) / 2
                          : dimension / 8 < 16 ? 16
                                               : dimension / 8;
  return std::clamp<uint32_t>(wanted, 1, std::min<uint32_t>(64, dimension));
}

constexpr PlaneB AutoPlaneB(ElementType type, Metric metric) {
  return type == ElementType::kU8 && metric != Metric::kCosine ? PlaneB::kRawU8 : PlaneB::kResidual;
}

// Points to train on: enough for the centroids and for 256 codewords, never more than there are.
constexpr uint64_t SamplePoints(uint64_t points, uint32_t lists) {
  return std::min<uint64_t>(points, std::max<uint64_t>(uint64_t{lists} * 40, 65'536));
}

struct PlannedBytes {
  uint64_t codes = 0;
  uint64_t refine = 0;
  uint64_t quantizer = 0;
  uint64_t rows = 0;
  uint64_t tombstones = 0;
  uint64_t total() const { return codes + refine + quantizer + rows + tombstones; }
};

constexpr PlannedBytes PlanBytes(const IndexParameters& p, uint64_t points, uint64_t shards) {
  PlannedBytes bytes;
  if (p.lists != 0) {
    // The last block of each list is padded to 16 lanes: 7.5 vectors a list on average.
    const uint64_t padded = points + uint64_t{p.lists} * 15 / 2 * shards;
    bytes.codes = padded * (p.subspaces + 2 + 4);
    bytes.refine = points * p.dimension;
    bytes.quantizer = (uint64_t{p.lists} + 256 + 2) * p.dimension * sizeof(float);
  }
  bytes.rows = points * RowTable::StrideFor(p.dimension * ElementSize(p.element_type));
  bytes.tombstones = points / 8;
  return bytes;
}

// What the trainer works on: its sample as stored, as floats, and once more as residuals.
constexpr uint64_t TrainingBytes(const IndexParameters& p, uint64_t points) {
  if (p.lists == 0) return 0;
  return SamplePoints(points, p.lists) * p.dimension *
             (ElementSize(p.element_type) + 2 * sizeof(float)) +
         (uint64_t{p.lists} + 256) * p.dimension * sizeof(float);
}

// What the new version adds beside the serving one until that is dropped.
constexpr uint64_t SecondVersionBytes(const IndexParameters& p, uint64_t points, uint64_t shards) {
  const PlannedBytes next = PlanBytes(p, points, shards);
  return next.codes + next.refine + next.quantizer;
}

// On disk at rest, without payloads and log: the row file, the truth (each row once more with its
// id entry, about 100 bytes beside the vector), the segments and the artifact.
constexpr uint64_t PlanDiskBytes(const IndexParameters& p, uint64_t points, uint64_t shards) {
  const PlannedBytes bytes = PlanBytes(p, points, shards);
  const uint64_t truth = points * (p.dimension * ElementSize(p.element_type) + 100);
  return bytes.rows + truth + bytes.codes + bytes.refine + bytes.quantizer;
}

}  // namespace kith::index

#endif  // KITH_INDEX_PLAN_H_
