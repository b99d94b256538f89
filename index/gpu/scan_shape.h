#ifndef KITH_INDEX_GPU_SCAN_SHAPE_H_
#define KITH_INDEX_GPU_SCAN_SHAPE_H_

#include <cstddef>
#include <cstdint>

#include "index/gpu/portable.h"

namespace kith::index::gpu {

constexpr uint32_t kWarpLanes = 32;
constexpr uint32_t kGroupVectors = kWarpLanes;  // a lane owns a vector of a group
constexpr uint32_t kCodes = 256;
constexpr uint32_t kTableStride = 64;       // words of a table row: lane + step stays below it
constexpr uint32_t kPartSubspacesMax = 32;  // of one table
constexpr uint32_t kSubspacesMax = 64;      // two tables, one after the other
constexpr uint32_t kDimensionMax = 4096;

// How the codes of a vector are looked up. Sub-quantizers are padded to whole words of four codes
// with ones whose entries are all 0; above 32 they are cut into two parts of equal length, each
// with a table of its own.
struct ScanShape {
  uint32_t subspaces = 0;  // M
  uint32_t parts = 0;
  uint32_t words = 0;  // of codes of a vector in a part

  KITH_ANYWHERE constexpr uint32_t part_subspaces() const { return words * 4; }
  KITH_ANYWHERE constexpr uint32_t padded() const { return parts * words * 4; }
  KITH_ANYWHERE constexpr uint32_t table_words() const { return parts * kCodes * kTableStride; }
  // Codes of 32 vectors, then their biases.
  KITH_ANYWHERE constexpr uint32_t group_bytes() const { return kGroupVectors * (padded() + 2); }
};

// For 1 <= subspaces <= kSubspacesMax.
KITH_ANYWHERE constexpr ScanShape MakeScanShape(uint32_t subspaces) {
  const uint32_t parts = subspaces > kPartSubspacesMax ? 2 : 1;
  const uint32_t part = (subspaces + parts - 1) / parts;
  return {subspaces, parts, (part + 3) / 4};
}

// A shape as a type.
template <uint32_t kOfParts, uint32_t kOfWords>
struct FixedShape {
  static constexpr uint32_t kParts = kOfParts;
  static constexpr uint32_t kWords = kOfWords;
};
// What function(FixedShape) gives for a shape: a scan is compiled for each that MakeScanShape
// makes, one part of 1 to 8 words or two of 5 to 8.
template <class Function>
auto WithShape(const ScanShape& shape, const Function& function) {
  switch (shape.parts * 16 + shape.words) {
    case 16 + 1:
      return function(FixedShape<1, 1>());
    case 16 + 2:
      return function(FixedShape<1, 2>());
    case 16 + 3:
      return function(FixedShape<1, 3>());
    case 16 + 4:
      return function(FixedShape<1, 4>());
    case 16 + 5:
      return function(FixedShape<1, 5>());
    case 16 + 6:
      return function(FixedShape<1, 6>());
    case 16 + 7:
      return function(FixedShape<1, 7>());
    case 16 + 8:
      return function(FixedShape<1, 8>());
    case 32 + 5:
      return function(FixedShape<2, 5>());
    case 32 + 6:
      return function(FixedShape<2, 6>());
    case 32 + 7:
      return function(FixedShape<2, 7>());
    default:
      return function(FixedShape<2, 8>());
  }
}

// The sub-quantizer (of a part) whose code is byte `step` of lane `lane`: at each step the 32 lanes
// read 32 words that follow one another, whatever the codes are.
KITH_ANYWHERE uint32_t SkewedSubspace(uint32_t lane, uint32_t step, uint32_t part_subspaces) {
  return (lane + step) % part_subspaces;
}

// Where word `word` (four codes) of part `part` of lane `lane` stands in a group: words of a lane
// come four at a time (16 bytes a lane, 512 a warp), the rest of a part two and one at a time.
KITH_ANYWHERE uint32_t CodeWordOffset(const ScanShape& shape, uint32_t part, uint32_t word,
                                      uint32_t lane) {
  const uint32_t begin = part * shape.words * kGroupVectors;
  const uint32_t quads = shape.words / 4 * 4;
  if (word < quads) {
    return begin + word / 4 * 4 * kGroupVectors + lane * 4 + word % 4;
  }
  const uint32_t pairs = quads + (shape.words - quads) / 2 * 2;
  if (word < pairs) return begin + quads * kGroupVectors + lane * 2 + (word - quads);
  return begin + pairs * kGroupVectors + lane;
}

// In halves of words (16 bits) from the group's begin.
KITH_ANYWHERE uint32_t BiasOffset(const ScanShape& shape, uint32_t lane) {
  return shape.padded() * kGroupVectors / 2 + lane;
}

// A table row (code) and its word: word j holds the entry of sub-quantizer j mod the part's.
KITH_ANYWHERE uint32_t TableWord(uint32_t part, uint32_t code, uint32_t word) {
  return (part * kCodes + code) * kTableStride + word;
}

// Floats in the order of unsigned integers (no NaN; -0 equals 0).
KITH_ANYWHERE uint32_t OrderOfBits(uint32_t bits) {
  if (bits == 0x80000000u) bits = 0;
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}
KITH_ANYWHERE uint32_t BitsOfOrder(uint32_t order) {
  return (order & 0x80000000u) != 0 ? order & 0x7fffffffu : ~order;
}

}  // namespace kith::index::gpu

#endif  // KITH_INDEX_GPU_SCAN_SHAPE_H_
