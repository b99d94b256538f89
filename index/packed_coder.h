#ifndef KITH_INDEX_PACKED_CODER_H_
#define KITH_INDEX_PACKED_CODER_H_

#include <cstdint>
#include <vector>

#include "index/index_version.h"

namespace kith::index {

// Bytes of the correction that a row of packed plane B begins with.
constexpr size_t CorrectionBytes(Metric metric) { return metric == Metric::kInnerProduct ? 0 : 2; }
constexpr uint32_t kMaxCorrectionCode = 65'535;

// A row as plane A has it: its residual r, and r̂ as the codes say it.
struct PlaneARow {
  const float* centroid;
  const float* residual;
  const float* decoded;
  uint16_t bias;
};

// Codes e = r - r̂, what plane A leaves of a residual. As
//   ||q - c - r̂ - ê||² = ||q - c - r̂||² + correction - 2<q, ê>,
//   correction = (||r̂ + ê||² + 2<c, r̂ + ê>) - (||r̂||² + 2<c, r̂>),
// and the first term is the rank by plane A, a second look adds to it and decodes nothing: it needs
// neither the centroid nor r̂. The bias that is subtracted is the one that plane A's rank is made
// with, so the correction takes away its rounding too. Inner product needs none.
//
// Threads: immutable.
class PackedCoder {
 public:
  struct Scratch {
    std::vector<uint8_t> codes;
    std::vector<float> coded;  // r̂ + ê
  };
  struct Measures {
    double error = 0;  // ||e - ê||²
    double correction = 0;
  };

  // The version's bias and refine ranges are set; it must outlive this.
  explicit PackedCoder(const IndexVersion& version);

  Measures Code(const PlaneARow& row, Scratch& scratch) const;
  // Code into a row of plane B. False where the error or the correction lies outside its range:
  // the row would be ranked by what it is not.
  bool Encode(const PlaneARow& row, Scratch& scratch, uint8_t* packed) const;

 private:
  const IndexVersion& version_;
  std::vector<float> inverse_scale_;  // 0 where a dimension has no bits
  std::vector<float> most_;           // code of each dimension
};

}  // namespace kith::index

#endif  // KITH_INDEX_PACKED_CODER_H_
