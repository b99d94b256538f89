#include "index/exact_query.h"

#include <cmath>

#include "index/decode.h"
#include "index/kernels/kernel_table.h"
#include "index/prefetch.h"

namespace kith::index {

Status ExactQuery::Bind(const IndexView& view, const void* query) {
  view_ = &view;
  query_ = query;
  float_kernel_ = nullptr;
  byte_kernel_ = nullptr;
  const KernelTable& kernels = ActiveKernels();
  const bool l2 = view.metric == Metric::kL2;
  switch (view.element_type) {
    case ElementType::kF32:
      float_kernel_ = l2 ? kernels.l2_f32 : kernels.ip_f32;
      break;
    case ElementType::kF16:
      float_kernel_ = l2 ? kernels.l2_f16 : kernels.ip_f16;
      break;
    case ElementType::kU8:
      byte_kernel_ = l2 ? kernels.l2_u8 : kernels.ip_u8;
      break;
  }
  return Decode(query);
}

Status ExactQuery::Decode(const void* query) {
  const StoredVector stored = {QueryType(view_->element_type), query, view_->dimension};
  if (!std::isfinite(SquaredLength(stored))) {
    return {Code::kInvalidArgument, "QUERY_NOT_FINITE",
            "query: has an element that is not a finite number; send finite values"};
  }
  inverse_norm_ = view_->metric == Metric::kCosine ? InverseNorm(stored) : 1;
  if (inverse_norm_ == 0) {
    return {Code::kInvalidArgument, "QUERY_ZERO",
            "query: is zero, which has no cosine with anything; send a vector with a direction"};
  }
  decoded_.resize(view_->dimension);
  DecodeVector(stored, inverse_norm_, decoded_.data());
  return {};
}

void ExactQuery::Score(std::span<const void* const> vectors, float* out) const {
  if (byte_kernel_ != nullptr) {
    byte_kernel_(static_cast<const uint8_t*>(query_), vectors.data(), vectors.size(),
                 view_->dimension, out);
  } else {
    float_kernel_(static_cast<const float*>(query_), vectors.data(), vectors.size(),
                  view_->dimension, out);
  }
}

void ExactQuery::RankVectors(std::span<const void* const> vectors, float* out) const {
  Score(vectors, out);
  for (size_t i = 0; i < vectors.size(); ++i) {
    out[i] = OrderedRank(RankFromScore(view_->metric, out[i]));
  }
}

void ExactQuery::RankRows(std::span<const uint32_t> rows, float* out) const {
  const void* vectors[kBatch];
  for (size_t i = 0; i < rows.size(); ++i) vectors[i] = view_->rows.Vector(rows[i]);
  if (view_->metric != Metric::kCosine) return RankVectors({vectors, rows.size()}, out);
  Score({vectors, rows.size()}, out);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float similarity = out[i] * view_->rows.Header(rows[i]).inverse_norm * inverse_norm_;
    out[i] = OrderedRank(RankFromScore(Metric::kCosine, similarity));
  }
}

void ExactQuery::Prefetch(std::span<const uint32_t> rows) const {
  for (const uint32_t row : rows) {
    PrefetchAll(view_->rows.Record(row), view_->rows.stride);
  }
}

}  // namespace kith::index
