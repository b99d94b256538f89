#ifndef KITH_INDEX_PLAN_H_
#define KITH_INDEX_PLAN_H_

#include <algorithm>
#include <bit>
#include <cstdint>

#include "common/vector/element.h"
#include "common/vector/metric.h"
#include "common/vector/row_table.h"
#include "index/index_version.h"
#include "index/list_groups.h"

// Header-only arithmetic: what an index of a given shape takes. The coordinator may include it.
namespace kith::index {

// Below this a collection answers by exact search.
constexpr uint64_t kFlatPoints = 50'000;

constexpr uint32_t AutoLists(uint64_t points) {
  // About 4 * sqrt(points), a power of two: measured best between 200 k and 10 M points.
  constexpr uint64_t kMost = 1u << 18;
  uint64_t root = 1;
  while (root * 4 < kMost && root * root < points) root *= 2;
  return static_cast<uint32_t>(std::clamp<uint64_t>(root * 4, 16, kMost));
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

// Plane B of `bytes` a row, at most the dimension. 0: one byte a dimension, as is full quality.
constexpr void SetPlaneB(uint32_t bytes, IndexParameters& p) {
  const bool packed = bytes != 0 && bytes < p.dimension;
  p.plane_b = packed ? PlaneB::kPackedResidual : AutoPlaneB(p.element_type, p.metric);
  p.plane_b_bytes = packed ? bytes : p.dimension;
}

// Held-out SIFT lies 2 % nearer to its centroids where 40 points a list were trained on than where
// 24 were; FAISS warns below 39. Codewords get 256 points each, and a training of few lists as
// many.
constexpr uint64_t kPointsPerList = 40;
constexpr uint64_t kCodebookPoints = 65'536;

// Points to train on, never more than there are.
constexpr uint64_t SamplePoints(uint64_t points, uint32_t lists) {
  return std::min<uint64_t>(points, std::max<uint64_t>(lists * kPointsPerList, kCodebookPoints));
}

struct PlannedBytes {
  uint64_t codes = 0;
  uint64_t refine = 0;
  uint64_t quantizer = 0;
  uint64_t rows = 0;
  uint64_t tombstones = 0;
  constexpr uint64_t total() const { return codes + refine + quantizer + rows + tombstones; }
};

// From the end of a list, of 16 (M + 2) bytes or a multiple, to the next cache line, on average.
constexpr uint64_t LinePadding(uint32_t subspaces) {
  return (subspaces + 2) % 4 == 0 ? 0 : (subspaces + 2) % 2 == 0 ? 16 : 24;
}

// Whose means stand beside the centroids in bytes.
constexpr uint64_t PlannedGroups(uint32_t lists) {
  return lists > kUngroupedLists ? GroupsOf(lists) : 0;
}

constexpr PlannedBytes PlanBytes(const IndexParameters& p, uint64_t points, uint64_t shards) {
  PlannedBytes bytes;
  if (p.lists != 0) {
    // The last block of each list is padded to 16 lanes, 7.5 vectors a list on average, and the
    // list to a cache line; two offsets find it.
    const uint64_t lists = uint64_t{p.lists} * shards;
    const uint64_t padded = points + lists * 15 / 2;
    bytes.codes = padded * (p.subspaces + 2) + points * sizeof(uint32_t) +
                  lists * (LinePadding(p.subspaces) + 16);
    bytes.refine = points * p.plane_b_bytes;
    // Centroids as floats and in bytes with two scores, codebooks in two orders, ranges.
    bytes.quantizer = (uint64_t{p.lists} + 2 * 256 + 2) * p.dimension * sizeof(float) +
                      (uint64_t{p.lists} + PlannedGroups(p.lists)) * (p.dimension + 13);
  }
  bytes.rows = points * RowTable::StrideFor(p.dimension * ElementSize(p.element_type));
  bytes.tombstones = points / 8;
  return bytes;
}

// What TrainIndexVersion takes beside the sample that it is given. It reads the points as they are
// stored; of each it holds a byte a dimension while centroids are trained, and four numbers, then
// eight numbers. Then come a sub-space of some residuals and, at the end, the quantizers thrice: as
// trained, as an artifact and parsed again.
constexpr uint64_t TrainingWorkBytes(const IndexParameters& p, uint64_t sample) {
  if (p.lists == 0) return 0;
  const uint64_t used = std::min(sample, SamplePoints(sample, p.lists));
  const uint64_t centroids = used * (p.dimension + 16);
  const uint64_t ranges = used * 8 * sizeof(uint32_t);
  const uint64_t width = (uint64_t{p.dimension} + p.subspaces - 1) / std::max(p.subspaces, 1u);
  const uint64_t codebook =
      used * 3 * sizeof(uint32_t) + std::min(used, kCodebookPoints) * (5 * width + 12);
  const uint64_t quantizer = (uint64_t{p.lists} + 2 * 256 + 2) * p.dimension * sizeof(float) +
                             (uint64_t{p.lists} + PlannedGroups(p.lists)) * (p.dimension + 29);
  return std::max({centroids, ranges, codebook}) + 3 * quantizer;
}

// Peak of a training on `sample` points. First the sample stands there twice as stored (the chunks
// it came in, with hashes and keys, and all of it in order), then once, beside what training takes.
constexpr uint64_t TrainingBytes(const IndexParameters& p, uint64_t sample) {
  if (p.lists == 0) return 0;
  const uint64_t stored = p.dimension * ElementSize(p.element_type);
  return std::max(sample * (2 * stored + 80), sample * stored + TrainingWorkBytes(p, sample));
}

// Rows encoded by one step of building an index: so many that a step is worth its segment, and no
// more than kEncodeStepBytes of codes and of the segment made of them.
constexpr uint64_t kEncodeStepBytes = uint64_t{64} << 20;
constexpr uint64_t EncodeRowBytes(const IndexParameters& p) {
  return 2 * (uint64_t{p.plane_b_bytes} + p.subspaces + 10);
}
constexpr uint32_t EncodeStepRows(const IndexParameters& p) {
  const uint64_t rows = kEncodeStepBytes / EncodeRowBytes(p);
  return static_cast<uint32_t>(std::clamp<uint64_t>(rows, 4096, 131'072));
}

// No merge of segments makes one of more live rows than this: so one step of a large index is
// short, and its memory a small part of the index.
constexpr uint64_t MergedRowsMost(uint64_t live_rows) {
  return std::max<uint64_t>(4'000'000, live_rows / 8);
}

// What the new version adds at its peak, beside the serving one, until that is dropped: its codes
// and, while segments of one shard are merged, theirs once more, and a step of encoding. A node
// merges one shard at a time.
constexpr uint64_t SecondVersionBytes(const IndexParameters& p, uint64_t points, uint64_t shards) {
  if (p.lists == 0) return 0;
  const PlannedBytes next = PlanBytes(p, points, shards);
  const uint64_t of_shard = std::max<uint64_t>(points / std::max<uint64_t>(shards, 1), 1);
  const double merged = static_cast<double>(std::min(MergedRowsMost(of_shard), of_shard)) /
                        static_cast<double>(std::max<uint64_t>(points, 1));
  const auto merge =
      static_cast<uint64_t>(static_cast<double>(next.codes + next.refine) * std::min(merged, 1.0));
  const uint64_t step = std::min<uint64_t>(points, EncodeStepRows(p)) * EncodeRowBytes(p);
  return next.codes + next.refine + next.quantizer + merge + step;
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
