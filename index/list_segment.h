#ifndef KITH_INDEX_LIST_SEGMENT_H_
#define KITH_INDEX_LIST_SEGMENT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "index/encoder.h"
#include "index/huge_pages.h"
#include "index/index_version.h"
#include "index/tombstones.h"

namespace kith::index {

// Some rows' codes by inverted list, packed for the CPU: blocks of 64 vectors, sub-quantizer major
// (for each m, one code byte a vector), then 64 biases, those of even lanes first; the last block
// of a list is shorter. A list begins at a cache line. Row numbers and plane B (the version's
// `plane_b_bytes` a vector) lie beside in list order: a scan passes over the blocks alone.
//
// A collection's index is a short row of such segments; a search scans the probed lists of each.
//
// Threads: immutable.
class ListSegment {
 public:
  // One list as the scan sees it. Vector i is lane i % 64 of block i / 64.
  struct List {
    const uint8_t* blocks = nullptr;
    const uint32_t* rows = nullptr;    // row numbers
    const uint8_t* plane_b = nullptr;  // count x plane_b_bytes
    uint32_t count = 0;
  };
  // One list in canonical order: what segment files hold.
  struct CanonicalList {
    std::vector<uint32_t> rows;
    std::vector<uint16_t> bias;
    std::vector<uint8_t> plane_a;  // rows x M
    std::vector<uint8_t> plane_b;  // rows x plane_b_bytes
  };

  static std::shared_ptr<const ListSegment> FromEncoded(const IndexVersion& version,
                                                        const EncodedRows& encoded);
  // `counts` has the rows of each list of the version; next(list) gives one list after the other,
  // ascending, so that only one is held beside the segment.
  static std::shared_ptr<const ListSegment> FromCanonical(
      const IndexVersion& version, std::span<const uint32_t> counts,
      const std::function<CanonicalList(uint32_t)>& next, std::vector<uint32_t> side_rows);
  // Of lists that are all there already.
  static std::shared_ptr<const ListSegment> FromCanonical(const IndexVersion& version,
                                                          std::span<const CanonicalList> lists,
                                                          std::vector<uint32_t> side_rows);
  // One segment of the live rows of several, which stay: as much memory again (plan.h).
  static std::shared_ptr<const ListSegment> Merge(
      const IndexVersion& version, std::span<const std::shared_ptr<const ListSegment>> segments,
      const Tombstones& tombstones);

  List list(uint32_t list) const;
  CanonicalList Canonical(uint32_t list) const;
  // The codes of vectors [begin, end) of a list in that order: plane A and biases.
  struct Part {
    uint32_t list = 0;
    uint32_t begin = 0;
    uint32_t end = 0;
  };
  struct CanonicalCodes {
    std::vector<uint16_t> bias;
    std::vector<uint8_t> plane_a;  // rows x M
  };
  CanonicalCodes Codes(const Part& part) const;
  std::vector<uint32_t> Rows(uint32_t list) const;  // ascending
  std::span<const uint32_t> side_rows() const { return side_rows_; }
  uint64_t rows() const { return rows_; }  // in lists and in the side list
  uint64_t code_bytes() const;             // blocks, padding included, row numbers, offsets
  uint64_t refine_bytes() const;           // plane B

  static constexpr uint32_t kBlockLanes = 64;
  // Lanes of block `block` of a list of `count` vectors: 64, in the last block the rest rounded up
  // to 16.
  static constexpr uint32_t LanesOf(uint32_t count, uint32_t block) {
    const uint32_t left = count - block * kBlockLanes;
    return left >= kBlockLanes ? kBlockLanes : (left + 15) / 16 * 16;
  }
  static constexpr size_t BlockBytes(uint32_t subspaces, uint32_t lanes) {
    return size_t{lanes} * (subspaces + 2);
  }
  // Where the parts of one vector stand in the blocks of a list of `count` vectors.
  struct Place {
    size_t code;    // of sub-space 0; the next ones follow at `stride`
    size_t stride;  // lanes of the block
    size_t bias;
  };
  static constexpr Place PlaceOf(uint32_t subspaces, uint32_t count, uint32_t position) {
    const uint32_t block = position / kBlockLanes;
    const uint32_t lane = position % kBlockLanes;
    const size_t lanes = LanesOf(count, block);
    const size_t begin = size_t{block} * BlockBytes(subspaces, kBlockLanes);
    // Even lanes first: the scan's sums come from registers of 16-bit lanes.
    const size_t bias_lane = lane % 2 * (lanes / 2) + lane / 2;
    return {begin + lane, lanes, begin + lanes * subspaces + bias_lane * sizeof(uint16_t)};
  }
  static constexpr size_t ListBytes(uint32_t subspaces, uint32_t count) {
    const uint32_t full = count / kBlockLanes;
    return full * BlockBytes(subspaces, kBlockLanes) + BlockBytes(subspaces, LanesOf(count, full));
  }

 private:
  class Packer;

  ListSegment() = default;

  uint32_t subspaces_ = 0;
  uint32_t plane_b_bytes_ = 0;
  uint64_t rows_ = 0;
  std::vector<uint64_t> block_offsets_;   // lists + 1, into blocks_
  std::vector<uint64_t> vector_offsets_;  // lists + 1, in vectors, into row_numbers_ and plane_b_
  HugeBytes blocks_;
  std::vector<uint32_t, HugePages<uint32_t>> row_numbers_;
  HugeBytes plane_b_;
  std::vector<uint32_t> side_rows_;
};

}  // namespace kith::index

#endif  // KITH_INDEX_LIST_SEGMENT_H_
