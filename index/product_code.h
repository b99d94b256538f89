#ifndef KITH_INDEX_PRODUCT_CODE_H_
#define KITH_INDEX_PRODUCT_CODE_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "index/nearest.h"
#include "index/pace.h"

namespace kith::index {

constexpr size_t kCodewords = 256;

// M + 1 offsets that cut `dimension` into M parts whose widths differ by one at most.
std::vector<uint32_t> SubspaceBegins(uint32_t dimension, uint32_t subspaces);

// Trains the codewords of plane A on residuals: 256 x dimension floats. Nothing when cancelled.
std::optional<std::vector<float>> TrainCodebooks(const Matrix& residuals,
                                                 std::span<const uint32_t> begins, uint64_t seed,
                                                 Pace& pace);
// Multiplications that TrainCodebooks counts with the pace.
double CodebookWork(const Matrix& residuals);

// The codebooks (256 x dimension) as the look-up kernel reads them: dimension x 256.
std::vector<float> CodebookColumns(std::span<const float> codebooks, size_t dimension);

// Plane A of residuals. The same bytes under every kernel table.
//
// Threads: immutable.
class ProductCoder {
 public:
  // Both stay the caller's and must outlive this.
  ProductCoder(std::span<const float> codebooks, std::span<const uint32_t> begins);

  size_t subspaces() const { return begins_.size() - 1; }
  size_t dimension() const { return begins_.back(); }

  // The nearest codeword of each sub-space, of equals the lower one: `codes` takes subspaces()
  // bytes, `decoded` the dimension() floats of r̂, `scratch` is resized as needed.
  void Encode(const float* residual, uint8_t* codes, float* decoded,
              std::vector<float>& scratch) const;

 private:
  std::span<const float> codebooks_;
  std::span<const uint32_t> begins_;
  std::vector<float> columns_;
  std::vector<float> norms_;  // subspaces x 256
};

// ||r||² + 2<c, r> = ||c + r||² - ||c||², of r̂ where it is to be stored.
double BiasOf(const float* centroid, const float* residual, size_t dimension);

}  // namespace kith::index

#endif  // KITH_INDEX_PRODUCT_CODE_H_
