#ifndef KITH_COMMON_VECTOR_ROW_TABLE_H_
#define KITH_COMMON_VECTOR_ROW_TABLE_H_

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "common/vector/point_key.h"

namespace kith {

// The head of one row record in the row file; the vector follows it. Little-endian, on disk.
struct RowHeader {
  uint32_t checksum;      // low half of XXH3-64 of the record's bytes from offset 4 to its end
  uint32_t row;           // this row's own number: a record read from a wrong place shows itself
  uint64_t version;       // of the point, from 1
  uint64_t content_hash;  // of vector and payload: what the digests are made of
  float inverse_norm;     // 1 / ||v|| for cosine, else 1
  uint16_t slot;
  uint8_t reserved;
  uint8_t key[PointKey::kSize];
};
static_assert(sizeof(RowHeader) == 48 && offsetof(RowHeader, key) == 31);

// A view of the row file: rows [0, row_end) in extents of 2^extent_bits rows, each record `stride`
// bytes. Plain data, valid while the snapshot it came from is held.
struct RowTable {
  const std::byte* const* extents = nullptr;
  uint32_t extent_bits = 0;
  uint32_t stride = 0;
  uint32_t row_end = 0;

  const std::byte* Record(uint32_t row) const {
    return extents[row >> extent_bits] + size_t{row & ((1u << extent_bits) - 1)} * stride;
  }
  const RowHeader& Header(uint32_t row) const {
    return *reinterpret_cast<const RowHeader*>(Record(row));
  }
  const std::byte* Vector(uint32_t row) const { return Record(row) + sizeof(RowHeader); }
  PointKey Key(uint32_t row) const { return PointKey::FromBytes(Header(row).key); }

  static constexpr uint32_t StrideFor(size_t vector_bytes) {
    return static_cast<uint32_t>((sizeof(RowHeader) + vector_bytes + 15) / 16 * 16);
  }
};

}  // namespace kith

#endif  // KITH_COMMON_VECTOR_ROW_TABLE_H_
