#include "index/exact_query.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "index/kernels/kernel_table.h"

namespace kith::index {
namespace {

constexpr size_t kCacheLine = 64;

// Arithmetic that overflowed both ways has no order: such a row goes last.
float Ordered(float rank) {
  return std::isnan(rank) ? std::numeric_limits<float>::infinity() : rank;
}

}  // namespace

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
  decoded_.resize(view_->dimension);
  if (byte_kernel_ != nullptr) {
    const auto* bytes = static_cast<const uint8_t*>(query);
    std::copy(bytes, bytes + view_->dimension, decoded_.begin());
  } else {
    const auto* floats = static_cast<const float*>(query);
    std::copy(floats, floats + view_->dimension, decoded_.begin());
  }
  // In double and in order: neither overflow nor the kernel table has a say in the bits.
  double squares = 0;
  for (const float value : decoded_) squares += double{value} * value;
  if (!std::isfinite(squares)) {
    return {Code::kInvalidArgument, "QUERY_NOT_FINITE",
            "query: has an element that is not a finite number; send finite values"};
  }
  inverse_norm_ = 1;
  if (view_->metric != Metric::kCosine) return {};
  inverse_norm_ = static_cast<float>(1.0 / std::sqrt(squares));
  if (!std::isfinite(inverse_norm_)) {
    return {Code::kInvalidArgument, "QUERY_ZERO",
            "query: is zero, which has no cosine with anything; send a vector with a direction"};
  }
  for (float& value : decoded_) value *= inverse_norm_;
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
    out[i] = Ordered(RankFromScore(view_->metric, out[i]));
  }
}

void ExactQuery::RankRows(std::span<const uint32_t> rows, float* out) const {
  const void* vectors[kBatch];
  for (size_t i = 0; i < rows.size(); ++i) vectors[i] = view_->rows.Vector(rows[i]);
  if (view_->metric != Metric::kCosine) return RankVectors({vectors, rows.size()}, out);
  Score({vectors, rows.size()}, out);
  for (size_t i = 0; i < rows.size(); ++i) {
    const float similarity = out[i] * view_->rows.Header(rows[i]).inverse_norm * inverse_norm_;
    out[i] = Ordered(RankFromScore(Metric::kCosine, similarity));
  }
}

void ExactQuery::Prefetch(std::span<const uint32_t> rows) const {
  for (const uint32_t row : rows) {
    const std::byte* record = view_->rows.Record(row);
    for (size_t at = 0; at < view_->rows.stride; at += kCacheLine) __builtin_prefetch(record + at);
    __builtin_prefetch(record + view_->rows.stride - 1);
  }
}

}  // namespace kith::index
