#ifndef KITH_TESTS_UNIT_INDEX_SEARCH_FABRICATED_INDEX_H_
#define KITH_TESTS_UNIT_INDEX_SEARCH_FABRICATED_INDEX_H_

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <vector>

#include "index/encoder.h"
#include "index/index_version.h"

// Quantizers and codes made of noise. With all lists and unlimited depth an answer must be the true
// one whatever the codes say, so noise proves more than training would.
namespace kith::index {

inline std::shared_ptr<IndexVersion> NoiseVersion(const IndexParameters& parameters,
                                                  std::mt19937& random) {
  std::normal_distribution<float> normal(0, 20);
  auto version = std::make_shared<IndexVersion>();
  version->parameters = parameters;
  if (parameters.plane_b_bytes == 0) version->parameters.plane_b_bytes = parameters.dimension;
  const uint32_t d = parameters.dimension;
  for (uint32_t m = 0; m <= parameters.subspaces; ++m) {
    version->subspace_begins.push_back(m * d / parameters.subspaces);
  }
  version->centroids.resize(size_t{parameters.lists} * d);
  version->codebooks.resize(size_t{256} * d);
  version->refine_min.resize(d);
  version->refine_scale.resize(d);
  for (auto* array : {&version->centroids, &version->codebooks, &version->refine_min}) {
    for (float& value : *array) value = normal(random);
  }
  for (float& value : version->refine_scale) value = 0.25f;
  if (parameters.plane_b == PlaneB::kPackedResidual) {
    // Uneven, and in all no more than the row has after a correction.
    const uint32_t most = std::min(8u, 2 * (parameters.plane_b_bytes - 2) * 8 / d);
    uint32_t room = (parameters.plane_b_bytes - 2) * 8;
    for (uint32_t j = 0; j < d; ++j) {
      const uint32_t bits = std::min(static_cast<uint32_t>(random() % (most + 1)), room);
      version->refine_bits.push_back(static_cast<uint8_t>(bits));
      room -= bits;
    }
    version->correction_min = -10;
    version->correction_scale = 0.001f;
    version->coding_error_max = 1;
  }
  DeriveImages(*version);
  version->bias_min = -100;
  version->bias_scale = parameters.metric == Metric::kInnerProduct ? 0.0f : 0.01f;
  return version;
}

// Each row in a random list with random codes, about one in twenty in the side list; plane B is the
// vector where the version says so.
inline EncodedRows NoiseCodes(const IndexVersion& version, const RowTable& table,
                              const std::vector<uint32_t>& rows, std::mt19937& random) {
  EncodedRows encoded;
  for (const uint32_t row : rows) {
    if (random() % 20 == 0) {
      encoded.side_rows.push_back(row);
      continue;
    }
    encoded.rows.push_back(row);
    // Crowded first lists and empty ones: full blocks, short blocks and none.
    const uint32_t crowd = 1 + random() % version.lists();
    encoded.lists.push_back(random() % crowd);
    encoded.bias.push_back(static_cast<uint16_t>(random() % 65535));
    for (uint32_t m = 0; m < version.subspaces(); ++m) {
      encoded.plane_a.push_back(static_cast<uint8_t>(random()));
    }
    for (uint32_t j = 0; j < version.plane_b_bytes(); ++j) {
      const bool raw = version.parameters.plane_b == PlaneB::kRawU8;
      encoded.plane_b.push_back(raw ? static_cast<uint8_t>(table.Vector(row)[j])
                                    : static_cast<uint8_t>(random()));
    }
  }
  return encoded;
}

}  // namespace kith::index

#endif  // KITH_TESTS_UNIT_INDEX_SEARCH_FABRICATED_INDEX_H_
