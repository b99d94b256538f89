#ifndef KITH_INDEX_KMEANS_H_
#define KITH_INDEX_KMEANS_H_

#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include "index/assign.h"
#include "index/list_groups.h"
#include "index/pace.h"

namespace kith::index {

// Up to `wanted` row numbers, ascending, of pairwise distinct rows: each is the first of its
// equals. Fewer come back only where there are no more. No row has a NaN, and -0 equals 0.
std::vector<uint32_t> DistinctRows(const RowSource& rows, size_t wanted);

struct KMeansOptions {
  int iterations = 10;
  uint64_t seed = 0;
  // A cluster of more than so many times the mean's points is split, and one of few is given up for
  // it: the number of clusters stays.
  float largest = std::numeric_limits<float>::infinity();
  // More clusters than this stand in groups, and come in another order than they began in.
  size_t ungrouped = kUngroupedLists;
};

struct Clusters {
  std::vector<float> centroids;   // rows of the points' dimension
  std::vector<uint32_t> nearest;  // of each point, as of the last iteration
};

// Moves the centroids (where they start is the caller's choice) by Lloyd's iterations ("Least
// squares quantization in PCM", 1982) on the points' bytes: integer sums, so the same for any
// number of threads and every kernel table. A cluster left without points takes a random point of
// the largest cluster that has different ones. False when cancelled.
bool KMeans(const CodedPoints& points, const KMeansOptions& options, Pace& pace,
            Clusters& clusters);
// The work it counts with the pace.
double KMeansWork(size_t points, size_t clusters, size_t dimension, int iterations);

// Moves each centroid to the mean of its points as floats, which the bytes only came near to; those
// without points stay. What lies outside the range counts as at its border, as it did among bytes:
// a far point would take the centroid from the others. The same bytes for any number of threads.
// False when cancelled.
bool MoveToMeans(const RowSource& rows, const ByteRange& range, Pace& pace, Clusters& clusters);

}  // namespace kith::index

#endif  // KITH_INDEX_KMEANS_H_
