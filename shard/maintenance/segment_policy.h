#ifndef KITH_SHARD_MAINTENANCE_SEGMENT_POLICY_H_
#define KITH_SHARD_MAINTENANCE_SEGMENT_POLICY_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "shard/parts/pace.h"

namespace kith::shard {

struct SegmentRows {
  uint64_t rows = 0;  // that it holds
  uint64_t live = 0;  // of them
};

// Neighbours that are to become one: [begin, end). Where none of their rows lives, nothing is left
// of them.
struct SegmentRange {
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const SegmentRange&) const = default;
};

// What to merge next, of segments in row order, oldest first; nothing where all is well. Repeated
// until it answers nothing it ends, for each merge takes a segment or dead rows away.
// docs/decisions/0017 has the policy and its figures.
std::optional<SegmentRange> ChooseMerge(std::span<const SegmentRows> segments, Pace pace);

}  // namespace kith::shard

#endif  // KITH_SHARD_MAINTENANCE_SEGMENT_POLICY_H_
