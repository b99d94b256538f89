#ifndef KITH_SHARD_PARTS_UPKEEP_COUNTS_H_
#define KITH_SHARD_PARTS_UPKEEP_COUNTS_H_

#include <atomic>
#include <cstdint>

namespace kith::shard {

// What upkeep did since the start, counted where it is done. Threads: any.
struct UpkeepCounts {
  std::atomic<uint64_t> merges{0};  // of segments, into one
  std::atomic<uint64_t> merged_rows{0};
  std::atomic<uint64_t> merge_ns{0};
  std::atomic<uint64_t> moved_rows{0};       // out of extents with few live rows
  std::atomic<uint64_t> reclaimed_bytes{0};  // of the row file
};

// The same as plain numbers, with what stands there now.
struct UpkeepFigures {
  uint64_t merges = 0;
  uint64_t merged_rows = 0;
  uint64_t merge_ns = 0;
  uint64_t moved_rows = 0;
  uint64_t reclaimed_bytes = 0;
  uint64_t dead_rows = 0;  // in the row file
  uint64_t segments = 0;

  void Add(const UpkeepFigures& other) {
    merges += other.merges;
    merged_rows += other.merged_rows;
    merge_ns += other.merge_ns;
    moved_rows += other.moved_rows;
    reclaimed_bytes += other.reclaimed_bytes;
    dead_rows += other.dead_rows;
    segments += other.segments;
  }
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_UPKEEP_COUNTS_H_
