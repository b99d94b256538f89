#ifndef KITH_INDEX_PRODUCT_CODE_H_
#define KITH_INDEX_PRODUCT_CODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/centroid_codes.h"
#include "index/pace.h"
#include "index/training_points.h"

namespace kith::index {

constexpr size_t kCodewords = 256;

// M + 1 offsets that cut `dimension` into M parts whose widths differ by one at most.
std::vector<uint32_t> SubspaceBegins(uint32_t dimension, uint32_t subspaces);

// Trains the codewords of plane A on the first kCodebookPoints residuals: 256 x dimension floats.
// Nothing when cancelled.
std::optional<std::vector<float>> TrainCodebooks(const TrainingResiduals& residuals,
                                                 std::span<const uint32_t> begins, uint64_t seed,
                                                 Pace& pace);
// The work that it counts with the pace.
double CodebookWork(size_t points, size_t dimension);

// The codebooks (256 x dimension) as the look-up kernel reads them: dimension x 256.
std::vector<float> CodebookColumns(std::span<const float> codebooks, size_t dimension);

// Plane A of residuals: the codewords nearest to them by bytes (index/byte_range.h), of equals the
// lower one. The same bytes under every kernel table.
//
// Threads: immutable.
class ProductCoder {
 public:
  // What a thread encodes with.
  struct Scratch {
    std::vector<int8_t> codes;
    std::vector<uint32_t> nearest;
    std::vector<int8_t> row;
  };

  // Both stay the caller's and must outlive this.
  ProductCoder(std::span<const float> codebooks, std::span<const uint32_t> begins);

  size_t subspaces() const { return begins_.size() - 1; }
  size_t dimension() const { return begins_.back(); }

  // codes: residuals.count x subspaces().
  void Encode(const Matrix& residuals, uint8_t* codes, Scratch& scratch) const;
  // r̂: dimension() floats of subspaces() codes.
  void Decode(const uint8_t* codes, float* decoded) const;

 private:
  std::span<const float> codebooks_;
  std::span<const uint32_t> begins_;
  std::vector<CentroidCodes> codewords_;  // of each sub-space
  // Of the sub-spaces one after another, so that a residual is encoded at once.
  std::vector<float> low_;
  std::vector<float> inverse_step_;
};

// ||r||² + 2<c, r> = ||c + r||² - ||c||², of r̂ where it is to be stored.
double BiasOf(const float* centroid, const float* residual, size_t dimension);

}  // namespace kith::index

#endif  // KITH_INDEX_PRODUCT_CODE_H_
