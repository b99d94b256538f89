#include "shard/maintenance/segment_policy.h"

#include <algorithm>

#include "index/plan.h"

namespace kith::shard {
namespace {

struct Bounds {
  uint64_t growth;     // an older segment stays where it is more than so many times what follows it
  double dead_share;   // above it a segment is written anew without its dead rows
  uint64_t dead_rows;  // fewer are not worth it
};

constexpr Bounds BoundsOf(Pace pace) {
  return pace == Pace::kBusy ? Bounds{2, 0.20, 4096} : Bounds{8, 0.05, 256};
}

uint64_t LiveRows(std::span<const SegmentRows> segments) {
  uint64_t live = 0;
  for (const SegmentRows& segment : segments) live += segment.live;
  return live;
}

// The longest run that ends with segment `last` and whose oldest is no more than `growth` times
// what follows it.
std::optional<SegmentRange> TierEndingAt(std::span<const SegmentRows> segments, size_t last,
                                         uint64_t growth) {
  const uint64_t most = index::MergedRowsMost(LiveRows(segments));
  std::optional<SegmentRange> found;
  uint64_t newer = segments[last].live;
  for (size_t i = last; i-- > 0;) {
    const uint64_t live = segments[i].live;
    if (live + newer > most) break;
    if (live <= newer * growth) found = SegmentRange{i, last + 1};
    newer += live;
  }
  return found;
}

}  // namespace

std::optional<SegmentRange> ChooseMerge(std::span<const SegmentRows> segments, Pace pace) {
  const Bounds bounds = BoundsOf(pace);
  for (size_t i = 0; i < segments.size(); ++i) {
    if (segments[i].live == 0) return SegmentRange{i, i + 1};
  }
  for (size_t last = segments.size(); last-- > 0;) {
    if (const auto tier = TierEndingAt(segments, last, bounds.growth)) return tier;
  }
  std::optional<SegmentRange> worst;
  uint64_t worst_dead = 0;
  for (size_t i = 0; i < segments.size(); ++i) {
    const uint64_t dead = segments[i].rows - std::min(segments[i].rows, segments[i].live);
    const bool is_due =
        dead >= bounds.dead_rows &&
        static_cast<double>(dead) > bounds.dead_share * static_cast<double>(segments[i].rows);
    if (!is_due || dead <= worst_dead) continue;
    worst = SegmentRange{i, i + 1};
    worst_dead = dead;
  }
  return worst;
}

}  // namespace kith::shard
