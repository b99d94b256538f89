#ifndef KITH_TESTS_UNIT_INDEX_TRAIN_SAMPLE_POINTS_H_
#define KITH_TESTS_UNIT_INDEX_TRAIN_SAMPLE_POINTS_H_

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "common/vector/row_table.h"
#include "index/decode.h"
#include "index/train.h"

namespace kith::index {

// Uniform in [0, 1), made of bits alone so that every library draws the same.
inline float Draw(std::mt19937& bits) { return static_cast<float>(bits() >> 8) * 0x1p-24f; }

// Points around 24 centres, in [0, 1] a dimension.
inline std::vector<float> ClusteredPoints(size_t count, uint32_t dimension, uint32_t seed) {
  std::mt19937 bits(seed);
  std::vector<float> centres(size_t{24} * dimension);
  for (float& value : centres) value = 0.2f + 0.6f * Draw(bits);
  std::vector<float> points;
  points.reserve(count * dimension);
  for (size_t i = 0; i < count; ++i) {
    const float* centre = &centres[bits() % 24 * dimension];
    for (uint32_t j = 0; j < dimension; ++j) {
      points.push_back(centre[j] + 0.2f * (Draw(bits) + Draw(bits) - 1));
    }
  }
  return points;
}

// The half nearest to a value of [2^-14, 65504), by truncation.
inline uint16_t ToHalf(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::abs(value) < 0x1p-14f) return 0;
  return static_cast<uint16_t>((bits >> 16 & 0x8000) | ((bits & 0x7fffffff) - 0x38000000) >> 13);
}

// The points as stored elements; u8 spreads [0, 1] over 0 to 255.
inline std::vector<std::byte> Stored(const std::vector<float>& points, ElementType type) {
  std::vector<std::byte> bytes(points.size() * ElementSize(type));
  for (size_t i = 0; i < points.size(); ++i) {
    std::byte* at = bytes.data() + i * ElementSize(type);
    if (type == ElementType::kF32) {
      std::memcpy(at, &points[i], 4);
    } else if (type == ElementType::kF16) {
      const uint16_t half = ToHalf(points[i]);
      std::memcpy(at, &half, 2);
    } else {
      *at = static_cast<std::byte>(std::clamp(points[i] * 255, 0.0f, 255.0f));
    }
  }
  return bytes;
}

// A row file in memory.
class Rows {
 public:
  Rows(const std::vector<std::byte>& stored, ElementType type, uint32_t dimension)
      : stride_(RowTable::StrideFor(dimension * ElementSize(type))) {
    const size_t vector_bytes = dimension * ElementSize(type);
    count_ = static_cast<uint32_t>(stored.size() / vector_bytes);
    const size_t per_extent = size_t{1} << kExtentBits;
    extents_.resize((count_ + per_extent - 1) / per_extent);
    for (auto& extent : extents_) extent.resize(per_extent * stride_);
    for (uint32_t row = 0; row < count_; ++row) {
      std::byte* record = extents_[row >> kExtentBits].data() + (row & (per_extent - 1)) * stride_;
      const std::byte* vector = stored.data() + row * vector_bytes;
      RowHeader header{};
      header.row = row;
      header.inverse_norm = InverseNorm({type, vector, dimension});
      std::memcpy(record, &header, sizeof(header));
      std::memcpy(record + sizeof(header), vector, vector_bytes);
    }
    for (const auto& extent : extents_) pointers_.push_back(extent.data());
  }

  RowTable table() const { return {pointers_.data(), kExtentBits, stride_, count_}; }
  std::vector<uint32_t> All() const {
    std::vector<uint32_t> rows(count_);
    for (uint32_t i = 0; i < count_; ++i) rows[i] = i;
    return rows;
  }

 private:
  static constexpr uint32_t kExtentBits = 8;

  uint32_t stride_;
  uint32_t count_ = 0;
  std::vector<std::vector<std::byte>> extents_;
  std::vector<const std::byte*> pointers_;
};

inline Result<std::shared_ptr<const IndexVersion>> Train(const IndexParameters& parameters,
                                                         const std::vector<std::byte>& stored,
                                                         int threads) {
  const size_t vector_bytes = parameters.dimension * ElementSize(parameters.element_type);
  TrainingControl control;
  control.threads = threads;
  return TrainIndexVersion(parameters, {stored.data(), stored.size() / vector_bytes}, control);
}

}  // namespace kith::index

#endif  // KITH_TESTS_UNIT_INDEX_TRAIN_SAMPLE_POINTS_H_
