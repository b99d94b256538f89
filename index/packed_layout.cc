#include "index/packed_layout.h"

#include <algorithm>
#include <cstring>

namespace kith::index {

PackedLayout::PackedLayout(std::span<const uint8_t> bits, size_t first_byte, size_t row_bytes)
    : dimension_(bits.size()), first_byte_(first_byte), row_bytes_(row_bytes) {
  const size_t padded =
      (bits.size() + PackedCodes::kGroup - 1) / PackedCodes::kGroup * PackedCodes::kGroup;
  size_t at = first_byte * 8;
  for (size_t j = 0; j < padded; ++j) {
    const uint32_t width = j < bits.size() ? bits[j] : 0;
    // The last byte is read together with the one before it: nothing behind the row is.
    const size_t pair = std::min(at / 8, row_bytes - 2);
    pairs_.push_back(static_cast<uint16_t>(pair));
    // Of padding at the very end 16 would be left: any shift does under its mask.
    shifts_.push_back(static_cast<uint16_t>(std::min<size_t>(at - pair * 8, 15)));
    masks_.push_back(static_cast<uint16_t>((1u << width) - 1));
    at += width;
  }
}

void PackedLayout::Pack(const uint8_t* codes, uint8_t* row) const {
  std::memset(row + first_byte_, 0, row_bytes_ - first_byte_);
  for (size_t j = 0; j < dimension_; ++j) {
    const uint32_t shifted = static_cast<uint32_t>(codes[j]) << shifts_[j];
    row[pairs_[j]] |= static_cast<uint8_t>(shifted);
    row[pairs_[j] + 1] |= static_cast<uint8_t>(shifted >> 8);
  }
}

uint32_t PackedLayout::CodeAt(const uint8_t* row, size_t j) const {
  const uint32_t pair = row[pairs_[j]] | static_cast<uint32_t>(row[pairs_[j] + 1]) << 8;
  return pair >> shifts_[j] & masks_[j];
}

}  // namespace kith::index
