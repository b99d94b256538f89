#ifndef KITH_SHARD_SEARCH_FILTER_ROWS_H_
#define KITH_SHARD_SEARCH_FILTER_ROWS_H_

#include <cstdint>
#include <memory>

#include "absl/status/statusor.h"
#include "common/payload/filter.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// The rows of one snapshot that pass one filter.
struct FilterRows {
  RowWords words;      // one bit a row up to row_end; none of a dead row
  uint64_t count = 0;  // of them that are set
};

// A filter over the rows of the snapshot, which it may replace by the newest one: where the filter
// names ids, they are looked up in the truth, and the snapshot is the one that they were looked up
// as of. INVALID_ARGUMENT BAD_FILTER, though the coordinator has checked it; UNAVAILABLE NOT_READY
// where writes kept coming between; UNAVAILABLE STORAGE.
// Threads: any; takes time by rows and conditions, and reads the disk where ids are named.
absl::StatusOr<FilterRows> FindFilterRows(const CopyParts& parts, const Filter& filter,
                                          std::shared_ptr<const Snapshot>& snapshot);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTER_ROWS_H_
