#ifndef KITH_INDEX_CODE_RANGES_H_
#define KITH_INDEX_CODE_RANGES_H_

#include <cstdint>
#include <vector>

#include "index/index_version.h"

namespace kith::index {

constexpr uint32_t kMaxBiasCode = 65'534;  // 16 bits but for one code
constexpr uint32_t kMaxRefineCode = 255;

// The smallest and the largest of some values.
struct Extent {
  float least = 0;
  float most = 0;
  bool empty = true;

  void Take(float value);
  void Take(const Extent& other);
  float span() const { return empty ? 0 : most - least; }
};

// What a training sample's codes have to cover.
struct SampleExtents {
  Extent bias;
  std::vector<Extent> residual;  // of each dimension

  explicit SampleExtents(uint32_t dimension) : residual(dimension) {}
  void Take(const SampleExtents& other);
};

// Sets the version's bias and refine ranges to the sample's extents, widened: points that come
// later reach a little further. Bias stays 0 under inner product, refine ranges stay empty where
// plane B is the vector itself.
void SetCodeRanges(const SampleExtents& extents, IndexVersion& version);

// The code of a bias; kMaxBiasCode + 1 or more where it lies outside the range.
uint32_t BiasCode(const IndexVersion& version, double bias);

}  // namespace kith::index

#endif  // KITH_INDEX_CODE_RANGES_H_
