#include "index/packed_coder.h"

#include <cmath>
#include <cstring>

#include "index/product_code.h"

namespace kith::index {

PackedCoder::PackedCoder(const IndexVersion& version) : version_(version) {
  for (size_t j = 0; j < version.refine_bits.size(); ++j) {
    const uint32_t bits = version.refine_bits[j];
    inverse_scale_.push_back(bits == 0 ? 0 : 1 / version.refine_scale[j]);
    most_.push_back(static_cast<float>((1u << bits) - 1));
  }
}

PackedCoder::Measures PackedCoder::Code(const PlaneARow& row, Scratch& scratch) const {
  const size_t n = version_.dimension();
  scratch.codes.resize(n);
  scratch.coded.resize(n);
  Measures measures;
  for (size_t j = 0; j < n; ++j) {
    const float left = row.residual[j] - row.decoded[j];
    const float code = (left - version_.refine_min[j]) * inverse_scale_[j] + 0.5f;
    // What is not a number gets a code too; the error shows that it is none.
    const float within = code >= 0 ? (code < most_[j] ? code : most_[j]) : 0;
    scratch.codes[j] = static_cast<uint8_t>(within);
    const float coded =
        version_.refine_min[j] + version_.refine_scale[j] * static_cast<float>(scratch.codes[j]);
    measures.error += double{left - coded} * double{left - coded};
    scratch.coded[j] = row.decoded[j] + coded;
  }
  if (CorrectionBytes(version_.parameters.metric) != 0) {
    const double bias = version_.bias_min + double{version_.bias_scale} * row.bias;
    measures.correction = BiasOf(row.centroid, scratch.coded.data(), n) - bias;
  }
  return measures;
}

bool PackedCoder::Encode(const PlaneARow& row, Scratch& scratch, uint8_t* packed) const {
  const Measures measures = Code(row, scratch);
  version_.packed_layout.Pack(scratch.codes.data(), packed);
  const bool is_near = measures.error <= version_.coding_error_max;  // nothing that is no number is
  if (CorrectionBytes(version_.parameters.metric) == 0) return is_near;
  const double code =
      std::floor((measures.correction - version_.correction_min) / version_.correction_scale + 0.5);
  const bool has_code = code >= 0 && code <= kMaxCorrectionCode;
  const auto stored = static_cast<uint16_t>(has_code ? code : 0);
  std::memcpy(packed, &stored, sizeof(stored));
  return is_near && has_code;
}

}  // namespace kith::index
