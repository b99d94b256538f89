#ifndef KITH_INDEX_PACKED_LAYOUT_H_
#define KITH_INDEX_PACKED_LAYOUT_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "index/kernels/kernel_table.h"

namespace kith::index {

// Where the codes of a row of PlaneB::kPackedResidual lie: after the bytes of a correction, which
// are none under inner product, the code of each dimension in as many bits as the version gives it,
// one after the other from the lowest bit of a byte up. Bits left over are 0.
//
// Threads: immutable.
class PackedLayout {
 public:
  static constexpr uint32_t kMostBits = 8;  // of a dimension

  PackedLayout() = default;
  // `bits` has those of each dimension; with `first_byte` before them they fit into `row_bytes`,
  // of which there are at least two.
  PackedLayout(std::span<const uint8_t> bits, size_t first_byte, size_t row_bytes);

  size_t dimension() const { return dimension_; }
  // Codes, a byte each and below 2^bits, into a row; its first bytes are left alone.
  void Pack(const uint8_t* codes, uint8_t* row) const;
  uint32_t CodeAt(const uint8_t* row, size_t j) const;
  // As kernels read it; lives as long as this.
  PackedCodes view() const {
    return {pairs_.data(), shifts_.data(), masks_.data(), pairs_.size(), row_bytes_};
  }

 private:
  size_t dimension_ = 0;
  size_t first_byte_ = 0;
  size_t row_bytes_ = 0;
  std::vector<uint16_t> pairs_;  // whole groups, and so the next two
  std::vector<uint16_t> shifts_;
  std::vector<uint16_t> masks_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_PACKED_LAYOUT_H_
