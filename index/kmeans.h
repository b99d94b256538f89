#ifndef KITH_INDEX_KMEANS_H_
#define KITH_INDEX_KMEANS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "index/nearest.h"
#include "index/pace.h"

namespace kith::index {

// Up to `wanted` row numbers, ascending, of pairwise distinct rows: each is the first of its
// equals. Fewer come back only where there are no more. No row has a NaN, and -0 equals 0.
std::vector<uint32_t> DistinctRows(const Matrix& matrix, size_t wanted);

struct KMeansOptions {
  int iterations = 10;
  uint64_t seed = 0;
};

// Moves `centroids` (rows of the points' dimension; where they start is the caller's choice) by
// Lloyd's iterations ("Least squares quantization in PCM", 1982). A cluster left without points
// takes a random point of the largest cluster that has different ones. The same bytes for any
// number of threads. False when cancelled.
bool KMeans(const Matrix& points, const KMeansOptions& options, Pace& pace,
            std::vector<float>& centroids);

// The work it counts with the pace.
double KMeansWork(const Matrix& points, const Matrix& centroids, int iterations);

}  // namespace kith::index

#endif  // KITH_INDEX_KMEANS_H_
