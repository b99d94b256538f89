#ifndef KITH_INDEX_ENCODER_H_
#define KITH_INDEX_ENCODER_H_

#include <cstdint>
#include <span>
#include <vector>

#include "common/vector/row_table.h"
#include "index/index_version.h"

namespace kith::index {

// Canonical codes of some rows, in the order given. Rows whose bias or refine code falls outside
// the version's ranges go to the side list: they are compared exactly by every search.
struct EncodedRows {
  std::vector<uint32_t> rows;       // row numbers, inside the ranges
  std::vector<uint32_t> lists;      // of each
  std::vector<uint8_t> plane_a;     // rows x M
  std::vector<uint16_t> bias;       // rows
  std::vector<uint8_t> plane_b;     // rows x plane_b_bytes
  std::vector<uint32_t> side_rows;  // outside
};

// Gives the same bytes under every kernel table and for any number of threads. `threads` >= 1; the
// caller's thread is one of them.
EncodedRows EncodeRows(const IndexVersion& version, const RowTable& table,
                       std::span<const uint32_t> rows, int threads);

}  // namespace kith::index

#endif  // KITH_INDEX_ENCODER_H_
