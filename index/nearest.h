#ifndef KITH_INDEX_NEAREST_H_
#define KITH_INDEX_NEAREST_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace kith::index {

// `count` rows of `dimension` floats, row-major; somebody else's memory.
struct Matrix {
  const float* rows = nullptr;
  size_t count = 0;
  size_t dimension = 0;

  const float* Row(size_t i) const { return rows + i * dimension; }
};

float SquaredNorm(const float* row, size_t n);
// Of each row.
std::vector<float> SquaredNorms(const Matrix& matrix);

// The position of the smallest a[i] + b[i]; the first one of equals. count >= 1.
size_t SmallestSum(const float* a, const float* b, size_t count);

// Finds each point's nearest row among `centroids` by ||c||² - 2<x, c>; of equals the lower one.
// The same answer under every kernel table.
//
// Threads: one at a time; one of these a thread.
class NearestFinder {
 public:
  NearestFinder(const Matrix& centroids, std::span<const float> norms)
      : centroids_(centroids), norms_(norms) {}

  void Find(const Matrix& points, uint32_t* nearest);

  // Points that make one Find long enough to be worth a task and short enough (well under a second)
  // to be stopped after.
  static size_t ChunkPoints(const Matrix& centroids);

 private:
  void FindByLookup(const Matrix& points, uint32_t* nearest);
  void FindByTiles(const Matrix& points, uint32_t* nearest);

  Matrix centroids_;
  std::span<const float> norms_;
  std::vector<float> scaled_;
  std::vector<float> tile_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_NEAREST_H_
