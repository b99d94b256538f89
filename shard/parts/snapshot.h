#ifndef KITH_SHARD_PARTS_SNAPSHOT_H_
#define KITH_SHARD_PARTS_SNAPSHOT_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "common/shard_api/shard_calls.h"
#include "index/list_segment.h"
#include "index/search.h"
#include "shard/parts/field_states.h"
#include "shard/parts/postings.h"
#include "shard/storage/row_file.h"

namespace kith::shard {

// One index version as far as this copy has encoded its rows.
struct BuiltIndex {
  std::shared_ptr<const index::IndexVersion> version;
  std::vector<std::shared_ptr<const index::ListSegment>> segments;  // in row order
  uint32_t indexed_end = 0;  // rows below it are in the segments, or dead
  bool ready = false;        // caught up once: it may serve, its tail is compared exactly
  bool rebuilding = false;   // it served before its files were lost: encoded again from the truth
  // Segment i holds every live row from the end of the one before it up to ends[i], and no other
  // live row.
  std::vector<uint32_t> ends = {};

  // The first row that segment i may hold.
  uint32_t BeginOf(size_t i) const { return i == 0 ? 0 : ends[i - 1]; }
};

// An index version that the manifest names and whose artifact cannot be read. Its files are kept:
// the artifact may be put back.
struct LostIndex {
  std::string version;
  std::string why;
};

// Everything a search reads, as of one lsn. Immutable; a search holds one from start to end.
struct Snapshot {
  uint64_t lsn = 0;
  uint32_t row_end = 0;
  uint64_t live_points = 0;
  storage::RowFile::View rows;
  index::Tombstones tombstones;
  Postings postings;  // of dead rows too
  std::shared_ptr<const FieldStates> fields = std::make_shared<const FieldStates>();
  std::vector<BuiltIndex> indexes;
  std::vector<LostIndex> lost;

  const BuiltIndex* FindIndex(const std::string& version) const;
  // What the engine reads; `index` is null for exact search. Valid while this snapshot is held.
  index::IndexView View(const ShardSpec& spec, const BuiltIndex* index) const;
  // Rows that the slowest ready index has not encoded yet; 0 without one.
  uint64_t TailRows() const;
  // How many rows may wait before writes are told to slow down.
  uint64_t TailRowsMax() const;
  // Dead rows whose place in the row file is not given back yet.
  uint64_t DeadRows() const { return row_end - rows.missing_rows() - live_points; }
  MemoryByPart Memory() const;
};

// The current snapshot. The writer and the indexer each change their own part of it.
// Threads: Pin from any, without waiting; Update from any, one at a time.
class SnapshotCell {
 public:
  std::shared_ptr<const Snapshot> Pin() const { return current_.load(std::memory_order_acquire); }

  // change(Snapshot&) edits a copy, which then becomes the current one.
  template <typename Change>
  void Update(Change change) {
    std::lock_guard lock(mutex_);
    const auto before = current_.load(std::memory_order_acquire);
    auto next =
        before == nullptr ? std::make_shared<Snapshot>() : std::make_shared<Snapshot>(*before);
    change(*next);
    current_.store(std::move(next), std::memory_order_release);
  }

 private:
  std::mutex mutex_;
  std::atomic<std::shared_ptr<const Snapshot>> current_{nullptr};
};

}  // namespace kith::shard

#endif  // KITH_SHARD_PARTS_SNAPSHOT_H_
