#include "index/encoder.h"

#include <algorithm>
#include <cstring>

#include "index/code_ranges.h"
#include "index/decode.h"
#include "index/nearest.h"
#include "index/packed_coder.h"
#include "index/parallel.h"
#include "index/product_code.h"

namespace kith::index {
namespace {

// Encodes into places that are laid out for all rows, so that threads need no agreement.
class Encoding {
 public:
  Encoding(const IndexVersion& version, const RowTable& table, std::span<const uint32_t> rows)
      : version_(version),
        table_(table),
        rows_(rows),
        coder_(version.codebooks, version.subspace_begins),
        packed_coder_(version),
        chunk_rows_(ChunkRows(version.dimension())),
        outside_(rows.size()) {
    encoded_.rows.assign(rows.begin(), rows.end());
    encoded_.lists.resize(rows.size());
    encoded_.plane_a.resize(rows.size() * version.subspaces());
    encoded_.bias.resize(rows.size());
    encoded_.plane_b.resize(rows.size() * version.plane_b_bytes());
    for (float scale : version.refine_scale) inverse_scale_.push_back(1 / scale);
  }

  size_t chunks() const { return (rows_.size() + chunk_rows_ - 1) / chunk_rows_; }

  void EncodeChunk(size_t chunk) {
    const size_t n = version_.dimension();
    const size_t begin = chunk * chunk_rows_;
    const size_t count = std::min(chunk_rows_, rows_.size() - begin);
    std::vector<float> vectors(count * n);
    for (size_t i = 0; i < count; ++i) Decode(rows_[begin + i], &vectors[i * n]);
    NearestFinder({version_.centroids.data(), version_.lists(), n}, version_.coarse_codes())
        .Find({vectors.data(), count, n}, &encoded_.lists[begin]);
    for (size_t i = 0; i < count; ++i) {
      const float* centroid = version_.Centroid(encoded_.lists[begin + i]);
      for (size_t j = 0; j < n; ++j) vectors[i * n + j] -= centroid[j];
    }
    ProductCoder::Scratch scratch;
    coder_.Encode({vectors.data(), count, n}, &encoded_.plane_a[begin * version_.subspaces()],
                  scratch);
    std::vector<float> decoded(n);
    PackedCoder::Scratch packed;
    const bool is_packed = version_.parameters.plane_b == PlaneB::kPackedResidual;
    for (size_t i = 0; i < count; ++i) {
      const float* residual = &vectors[i * n];
      const size_t row = begin + i;
      const bool inside = FillBias(row, residual, decoded.data());
      const bool fits = is_packed
                            ? packed_coder_.Encode({version_.Centroid(encoded_.lists[row]),
                                                    residual, decoded.data(), encoded_.bias[row]},
                                                   packed, PlaneBOf(row))
                            : FillPlaneB(row, residual);
      outside_[row] = !fits || !inside;
    }
  }

  // Moves the rows that are outside to the side list.
  EncodedRows Finish() {
    if (std::find(outside_.begin(), outside_.end(), 1) == outside_.end())
      return std::move(encoded_);
    size_t kept = 0;
    for (size_t i = 0; i < rows_.size(); ++i) {
      if (outside_[i] != 0) {
        encoded_.side_rows.push_back(rows_[i]);
      } else {
        Move(i, kept++);
      }
    }
    encoded_.rows.resize(kept);
    encoded_.lists.resize(kept);
    encoded_.plane_a.resize(kept * version_.subspaces());
    encoded_.bias.resize(kept);
    encoded_.plane_b.resize(kept * version_.plane_b_bytes());
    return std::move(encoded_);
  }

 private:
  void Decode(uint32_t row, float* out) const {
    const IndexParameters& parameters = version_.parameters;
    const float scale =
        parameters.metric == Metric::kCosine ? table_.Header(row).inverse_norm : 1.0f;
    DecodeVector({parameters.element_type, table_.Vector(row), parameters.dimension}, scale, out);
  }

  // As many as share a pass over the centroids, of high dimensions fewer: they are held as floats.
  static size_t ChunkRows(size_t dimension) {
    constexpr size_t kFloats = 1u << 18;
    return std::clamp<size_t>(kFloats / dimension, 96, 384);
  }

  // False where the bias lies outside its range. That of the residual itself must not either:
  // codewords do not reach as far as a stray vector, and where plane B is the vector nothing else
  // would show that its code says little about it.
  bool FillBias(size_t i, const float* residual, float* decoded) {
    const size_t n = version_.dimension();
    const float* centroid = version_.Centroid(encoded_.lists[i]);
    coder_.Decode(&encoded_.plane_a[i * version_.subspaces()], decoded);
    const uint32_t bias = BiasCode(version_, BiasOf(centroid, decoded, n));
    encoded_.bias[i] = static_cast<uint16_t>(bias);
    return bias <= kMaxBiasCode &&
           BiasCode(version_, BiasOf(centroid, residual, n)) <= kMaxBiasCode;
  }

  uint8_t* PlaneBOf(size_t i) { return &encoded_.plane_b[i * version_.plane_b_bytes()]; }

  // False where a dimension lies outside its range.
  bool FillPlaneB(size_t i, const float* residual) {
    const size_t n = version_.dimension();
    uint8_t* codes = PlaneBOf(i);
    if (version_.parameters.plane_b == PlaneB::kRawU8) {
      std::memcpy(codes, table_.Vector(rows_[i]), n);
      return true;
    }
    int outside = 0;
    for (size_t j = 0; j < n; ++j) {
      const float code = (residual[j] - version_.refine_min[j]) * inverse_scale_[j] + 0.5f;
      // Not within, rather than outside: nothing compares with a NaN.
      outside += !(code >= 0 && code < kMaxRefineCode + 1);
      codes[j] = static_cast<uint8_t>(code >= 0 ? (code < 255 ? code : 255) : 0);
    }
    return outside == 0;
  }

  void Move(size_t from, size_t to) {
    const size_t m = version_.subspaces();
    const size_t n = version_.plane_b_bytes();
    encoded_.rows[to] = encoded_.rows[from];
    encoded_.lists[to] = encoded_.lists[from];
    encoded_.bias[to] = encoded_.bias[from];
    std::memmove(&encoded_.plane_a[to * m], &encoded_.plane_a[from * m], m);
    std::memmove(&encoded_.plane_b[to * n], &encoded_.plane_b[from * n], n);
  }

  const IndexVersion& version_;
  const RowTable& table_;
  const std::span<const uint32_t> rows_;
  const ProductCoder coder_;
  const PackedCoder packed_coder_;
  const size_t chunk_rows_;
  std::vector<float> inverse_scale_;
  std::vector<uint8_t> outside_;  // not bits: threads write neighbours
  EncodedRows encoded_;
};

}  // namespace

EncodedRows EncodeRows(const IndexVersion& version, const RowTable& table,
                       std::span<const uint32_t> rows, int threads) {
  Encoding encoding(version, table, rows);
  ForEachChunk(
      threads, encoding.chunks(), [&](size_t chunk) { encoding.EncodeChunk(chunk); },
      [](size_t) { return true; });
  return encoding.Finish();
}

}  // namespace kith::index
