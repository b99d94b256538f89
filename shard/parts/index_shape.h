#ifndef KITH_SHARD_PARTS_INDEX_SHAPE_H_
#define KITH_SHARD_PARTS_INDEX_SHAPE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"
#include "shard/parts/snapshot.h"

namespace kith::shard {

// How an index version's rows lie in its lists, over all segments.
struct IndexShape {
  uint64_t list_rows = 0;        // dead ones too
  uint64_t list_rows_max = 0;    // of the longest list
  uint64_t large_list_rows = 0;  // in lists longer than kLargeList times the mean
  uint64_t side_rows = 0;
};

// Walks over every list of every segment.
IndexShape MeasureShape(const BuiltIndex& index);

// Rows of the index that are dead: those in its segments, less the live ones below its tail.
uint64_t DeadRows(const Snapshot& snapshot, const BuiltIndex& index, const IndexShape& shape);

// Remembers the shape of each version until its segments change, so that asking often is cheap.
// Threads: any.
class IndexShapes {
 public:
  // The figures of every version of the snapshot, in its order; then the lost ones, not ready.
  std::vector<IndexState> StatesOf(const Snapshot& snapshot);

 private:
  // Weak: what is remembered keeps no segment in memory, and yet no other can take its place.
  using Segments = std::vector<std::weak_ptr<const index::ListSegment>>;
  struct Known {
    Segments segments;
    IndexShape shape;
  };

  IndexShape ShapeOf(const BuiltIndex& index);

  std::mutex mutex_;
  std::map<std::string, Known> known_;  // by version; guarded by mutex_
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_INDEX_SHAPE_H_
