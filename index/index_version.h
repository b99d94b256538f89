#ifndef KITH_INDEX_INDEX_VERSION_H_
#define KITH_INDEX_INDEX_VERSION_H_

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/vector/element.h"
#include "common/vector/metric.h"
#include "index/centroid_codes.h"
#include "index/group_walk.h"
#include "index/packed_layout.h"
#include "index/query_order.h"
#include "index/status.h"

namespace kith::index {

// What plane B holds. The first two take one byte a dimension.
enum class PlaneB : uint8_t {
  kResidual = 1,  // 8-bit scalar code of the residual, range per dimension fixed at training
  kRawU8 = 2,     // the stored u8 vector itself (u8 under L2 and inner product): refining is exact
  kPackedResidual = 3,  // scalar codes, 0 to 8 bits a dimension, of what plane A leaves of it
};

struct IndexParameters {
  uint32_t dimension = 0;
  Metric metric = Metric::kL2;
  ElementType element_type = ElementType::kF32;
  uint32_t lists = 0;      // coarse centroids
  uint32_t subspaces = 0;  // M, bytes of plane A, 1 to 64, at most `dimension`
  PlaneB plane_b = PlaneB::kResidual;
  // A row: `dimension`, of a packed residual fewer (plan.h: SetPlaneB sets both).
  uint32_t plane_b_bytes = 0;
  uint64_t seed = 0;
};

// The quantizers of a collection's index version: immutable, shared by every shard and copy.
// Cosine works on normalised vectors in L2 geometry; inner product has no bias.
//
// A vector x in list c is c + r; plane A codes r as r̂ = (codeword of each sub-space), bias is
// ||r̂||² + 2<c, r̂> so that ||q - c - r̂||² = ||q - c||² + bias - 2<q, r̂>: the first comes
// with the list, the second is stored, the third is a sum of look-ups in one table a query.
// Product quantization of residuals is Jégou, Douze and Schmid, "Product quantization for nearest
// neighbor search" (2011); that the middle term can be stored is used by FAISS' IVFPQ too, which
// keeps it a list and codeword where this keeps it a row.
//
// Threads: immutable after construction.
struct IndexVersion {
  IndexParameters parameters;
  std::vector<uint32_t> subspace_begins;  // M + 1 offsets into the dimension; widths may differ
  // lists x dimension, row-major. Of more than kUngroupedLists (index/list_groups.h) each run of
  // kGroupLists, a group, lies together.
  std::vector<float> centroids;
  // Codeword k of sub-space m occupies [subspace_begins[m], subspace_begins[m+1]) of row k:
  // codebooks is 256 x dimension, row-major.
  std::vector<float> codebooks;
  // bias = bias_min + bias_scale * code, code 0 to 65534; scale 0 under inner product.
  float bias_min = 0;
  float bias_scale = 0;
  std::vector<float> refine_min;  // per dimension: r_j ~ refine_min[j] + refine_scale[j] * byte
  std::vector<float> refine_scale;
  // Of a packed residual (packed_coder.h); there r_j above is what plane A leaves, r - r̂.
  std::vector<uint8_t> refine_bits;  // of each dimension's code
  float correction_min = 0;          // as of bias, code 0 to 65535
  float correction_scale = 0;
  float coding_error_max = 0;  // ||r - r̂ - ê||² of a row that has a code
  std::string hash;            // 32 hex digits of the content hash of the serialised bytes, derived
  CentroidCodes centroid_codes;         // derived
  CentroidCodes group_codes;            // derived: of lists that stand in groups, else empty
  Landmarks landmarks;                  // derived
  PackedLayout packed_layout;           // derived
  std::vector<float> codebook_columns;  // derived: the codebooks, dimension x 256

  uint32_t dimension() const { return parameters.dimension; }
  uint32_t lists() const { return parameters.lists; }
  uint32_t subspaces() const { return parameters.subspaces; }
  uint32_t plane_b_bytes() const { return parameters.plane_b_bytes; }
  CoarseCodes coarse_codes() const {
    return {centroid_codes, group_codes.centroids() != 0 ? &group_codes : nullptr};
  }
  const float* Centroid(uint32_t list) const {
    return centroids.data() + size_t{list} * parameters.dimension;
  }
};

// Fills what is derived, but for the hash, from the rest.
void DeriveImages(IndexVersion& version);

// The artifact: magic, format version, parameters, arrays, content hash at the end. The same
// version serialises to the same bytes on every machine.
std::string SerializeIndexVersion(const IndexVersion& version);

// kDataLoss where the bytes are truncated, lie about their sizes or do not match their hash.
Result<std::shared_ptr<const IndexVersion>> ParseIndexVersion(std::string_view artifact);

}  // namespace kith::index

#endif  // KITH_INDEX_INDEX_VERSION_H_
