#include "shard/parts/index_shape.h"

#include <algorithm>
#include <utility>

namespace kith::shard {
namespace {

using Segment = std::shared_ptr<const index::ListSegment>;

bool IsSame(const std::weak_ptr<const index::ListSegment>& known, const Segment& segment) {
  return !known.owner_before(segment) && !segment.owner_before(known);
}

}  // namespace

IndexShape MeasureShape(const BuiltIndex& index) {
  IndexShape shape;
  std::vector<uint64_t> counts(index.version->lists());
  for (const Segment& segment : index.segments) {
    for (uint32_t list = 0; list < counts.size(); ++list) counts[list] += segment->list(list).count;
    shape.side_rows += segment->side_rows().size();
  }
  for (const uint64_t count : counts) {
    shape.list_rows += count;
    shape.list_rows_max = std::max(shape.list_rows_max, count);
  }
  for (const uint64_t count : counts) {
    const bool is_large = count * counts.size() > kLargeList * shape.list_rows;
    if (is_large) shape.large_list_rows += count;
  }
  return shape;
}

uint64_t DeadRows(const Snapshot& snapshot, const BuiltIndex& index, const IndexShape& shape) {
  const uint64_t tail = snapshot.row_end - index.indexed_end;
  const uint64_t live_tail =
      tail - snapshot.tombstones.DeadBetween(index.indexed_end, snapshot.row_end);
  const uint64_t live = snapshot.live_points - std::min(snapshot.live_points, live_tail);
  const uint64_t rows = shape.list_rows + shape.side_rows;
  return rows - std::min(rows, live);
}

IndexShape IndexShapes::ShapeOf(const BuiltIndex& index) {
  {
    std::lock_guard lock(mutex_);
    const auto known = known_.find(index.version->hash);
    if (known != known_.end()) {
      const Segments& before = known->second.segments;
      if (std::equal(before.begin(), before.end(), index.segments.begin(), index.segments.end(),
                     IsSame)) {
        return known->second.shape;
      }
    }
  }
  const IndexShape shape = MeasureShape(index);
  std::lock_guard lock(mutex_);
  known_[index.version->hash] = {Segments(index.segments.begin(), index.segments.end()), shape};
  return shape;
}

std::vector<IndexState> IndexShapes::StatesOf(const Snapshot& snapshot) {
  std::vector<IndexState> states;
  for (const BuiltIndex& index : snapshot.indexes) {
    const IndexShape shape = ShapeOf(index);
    IndexState& state = states.emplace_back();
    state.version = index.version->hash;
    state.ready = index.ready;
    state.indexed_rows = index.indexed_end;
    state.total_rows = snapshot.row_end;
    state.out_of_range_rows = shape.side_rows;
    state.lists = index.version->lists();
    state.list_rows = shape.list_rows;
    state.list_rows_max = shape.list_rows_max;
    state.large_list_rows = shape.large_list_rows;
    state.dead_rows = DeadRows(snapshot, index, shape);
  }
  for (const LostIndex& lost : snapshot.lost) {
    IndexState& state = states.emplace_back();
    state.version = lost.version;
    state.total_rows = snapshot.row_end;
  }
  std::lock_guard lock(mutex_);
  std::erase_if(known_,
                [&](const auto& known) { return snapshot.FindIndex(known.first) == nullptr; });
  return states;
}

}  // namespace kith::shard
