#ifndef KITH_SHARD_SEARCH_FILTER_ROWS_H_
#define KITH_SHARD_SEARCH_FILTER_ROWS_H_

#include <cstdint>
#include <memory>
#include <mutex>

#include "absl/status/statusor.h"
#include "common/payload/filter.h"
#include "index/allowed_lists.h"
#include "shard/parts/copy_parts.h"

namespace kith::shard {

// The rows of one snapshot that pass one filter. Threads: any.
class FilterRows {
 public:
  explicit FilterRows(RowWords words);

  const RowWords& words() const {
    return words_;
  }                                          // one bit a row up to row_end; none of a dead row
  uint64_t count() const { return count_; }  // of them that are set
  // In the order of an index's lists; remembered for the index asked for last.
  std::shared_ptr<const index::AllowedLists> ListsOf(const BuiltIndex& index) const;
  uint64_t memory_bytes() const;

 private:
  const RowWords words_;
  uint64_t count_ = 0;
  mutable std::mutex mutex_;
  mutable std::shared_ptr<const index::AllowedLists> lists_;  // guarded by mutex_
};

// A filter over the rows of the snapshot, which it may replace by the newest one: where the filter
// names ids, they are looked up in the truth, and the snapshot is the one that they were looked up
// as of. INVALID_ARGUMENT BAD_FILTER, though the coordinator has checked it; FAILED_PRECONDITION
// PAYLOAD_INDEX_BUILDING; UNAVAILABLE NOT_READY
// where writes kept coming between; UNAVAILABLE STORAGE.
// Threads: any; takes time by rows and conditions, and reads the disk where ids are named.
absl::StatusOr<std::shared_ptr<const FilterRows>> FindFilterRows(
    const CopyParts& parts, const Filter& filter, std::shared_ptr<const Snapshot>& snapshot);

// Every live row of the snapshot, as of no filter.
std::shared_ptr<const FilterRows> LiveRows(const Snapshot& snapshot);

}  // namespace kith::shard

#endif  // KITH_SHARD_SEARCH_FILTER_ROWS_H_
