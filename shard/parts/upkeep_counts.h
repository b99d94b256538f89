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
  std::atomic<uint64_t> scrubbed_bytes{0};   // read again and compared
  std::atomic<uint64_t> scrub_passes{0};     // over everything
  std::atomic<uint64_t> damage_found{0};     // rows and files, by searches too
  std::atomic<uint64_t> damage_mended{0};
};

// The same as plain numbers, with what stands there now.
struct UpkeepFigures {
  uint64_t merges = 0;
  uint64_t merged_rows = 0;
  uint64_t merge_ns = 0;
  uint64_t moved_rows = 0;
  uint64_t reclaimed_bytes = 0;
  uint64_t scrubbed_bytes = 0;
  uint64_t scrub_passes = 0;
  uint64_t damage_found = 0;
  uint64_t damage_mended = 0;
  uint64_t dead_rows = 0;  // in the row file
  uint64_t segments = 0;

  void Add(const UpkeepFigures& other) {
    merges += other.merges;
    merged_rows += other.merged_rows;
    merge_ns += other.merge_ns;
    moved_rows += other.moved_rows;
    reclaimed_bytes += other.reclaimed_bytes;
    scrubbed_bytes += other.scrubbed_bytes;
    scrub_passes += other.scrub_passes;
    damage_found += other.damage_found;
    damage_mended += other.damage_mended;
    dead_rows += other.dead_rows;
    segments += other.segments;
  }
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_UPKEEP_COUNTS_H_
