#ifndef KITH_TESTS_SUPPORT_MEMORY_ROWS_H_
#define KITH_TESTS_SUPPORT_MEMORY_ROWS_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <vector>

#include "common/vector/element.h"
#include "common/vector/metric.h"
#include "common/vector/point_key.h"
#include "common/vector/row_table.h"
#include "index/decode.h"

namespace kith::testing {

// A row file in memory, with extents small enough for tests to cross their borders.
class MemoryRows {
 public:
  MemoryRows(Metric metric, ElementType type, uint32_t dimension, uint32_t extent_bits = 6)
      : metric_(metric), type_(type), dimension_(dimension), extent_bits_(extent_bits) {}

  // `vector` has `dimension` elements as they are stored. Returns the new row.
  uint32_t Add(const PointKey& key, const void* vector) {
    const uint32_t row = row_end_++;
    if ((row & ((1u << extent_bits_) - 1)) == 0) {
      extents_.push_back(std::make_unique<std::byte[]>(size_t{stride()} << extent_bits_));
      pointers_.push_back(extents_.back().get());
    }
    std::byte* record = const_cast<std::byte*>(table().Record(row));
    RowHeader header{};
    header.row = row;
    header.version = 1;
    header.inverse_norm =
        metric_ == Metric::kCosine ? index::InverseNorm({type_, vector, dimension_}) : 1.0f;
    std::memcpy(header.key, key.bytes.data(), PointKey::kSize);
    std::memcpy(record, &header, sizeof(header));
    std::memcpy(record + sizeof(header), vector, vector_bytes());
    return row;
  }

  // Valid until the next Add.
  RowTable table() const { return {pointers_.data(), extent_bits_, stride(), row_end_}; }
  size_t vector_bytes() const { return dimension_ * ElementSize(type_); }
  uint32_t row_end() const { return row_end_; }

 private:
  uint32_t stride() const { return RowTable::StrideFor(vector_bytes()); }
  Metric metric_;
  ElementType type_;
  uint32_t dimension_;
  uint32_t extent_bits_;
  uint32_t row_end_ = 0;
  std::vector<std::unique_ptr<std::byte[]>> extents_;
  std::vector<const std::byte*> pointers_;
};

}  // namespace kith::testing

#endif  // KITH_TESTS_SUPPORT_MEMORY_ROWS_H_
