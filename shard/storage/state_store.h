#ifndef KITH_SHARD_STORAGE_STATE_STORE_H_
#define KITH_SHARD_STORAGE_STATE_STORE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "common/base/limits.h"
#include "common/payload/payload_values.h"
#include "common/vector/point_key.h"
#include "shard/storage/digest.h"
#include "shard/storage/file_system.h"
#include "shard/storage/rocks_access.h"
#include "shard/storage/store_memory.h"

namespace kith::storage {

struct IdEntry {
  uint32_t row = 0;
  uint64_t version = 0;
};

// A live row as RocksDB keeps it: the truth. `payload` and `vector` point into the store's buffers
// only during a visit.
struct RowRecord {
  uint32_t row = 0;
  PointKey key;
  uint64_t version = 0;
  std::string_view vector;
  std::string_view payload;
};

// Points in the order of (slot, key): those of slots [slot_begin, slot_end), and of slot_begin only
// what follows `after`.
struct PointRange {
  uint32_t slot_begin = 0;
  uint32_t slot_end = limits::kSlots;
  std::optional<PointKey> after;
};
enum class PointParts { kIdAndVersion, kAll };
enum class Visit { kTaken, kStop };  // kStop: not taken, and nothing after it
enum class IdChoice { kTake, kPassOver, kStop };

// What an applied request is remembered by (rulings: idempotency).
struct DedupeEntry {
  std::string body_hash;
  uint64_t unix_ms = 0;
  std::string reply;  // encoded results
};

// Counters that move with every batch.
struct AppliedState {
  uint64_t applied_lsn = 0;
  uint64_t epoch = 0;
  uint32_t next_row = 0;
  uint64_t live_points = 0;
};

// One atomic change of the state database. Threads: one at a time.
class StateBatch {
 public:
  virtual ~StateBatch() = default;
  virtual void PutRow(const RowRecord& record) = 0;
  virtual void DeleteRow(uint32_t row) = 0;
  // One key a value: what a filter finds the row by.
  virtual void PutPostings(uint32_t row, std::span<const IndexedValue> values) = 0;
  virtual void DeletePostings(uint32_t row, std::span<const IndexedValue> values) = 0;
  // All of a field's, those put in this batch before too.
  virtual void DeletePostingsOf(uint16_t field) = 0;
  virtual void PutId(uint16_t slot, const PointKey& key, const IdEntry& entry) = 0;
  virtual void DeleteId(uint16_t slot, const PointKey& key) = 0;
  virtual void MarkDead(uint64_t lsn, uint32_t row) = 0;
  virtual void PutDigest(uint16_t slot, const Digest& digest) = 0;
  virtual void PutDedupe(std::string_view request_id, const DedupeEntry& entry) = 0;
  virtual void PutApplied(const AppliedState& applied) = 0;
  virtual void PutManifest(std::string_view manifest) = 0;  // which segment files make the index
  virtual void PutFields(std::string_view fields) = 0;      // which payload fields are indexed
};

struct StateOptions {
  std::string directory;
  FileSystem* files = nullptr;
  std::shared_ptr<StoreMemory> memory;  // of the node; none: a default one of its own
  // Of a column family. Measured: larger ones insert slower, smaller ones flush too often.
  uint64_t write_buffer_bytes = 32 << 20;
  uint64_t dedupe_entries_max = limits::kDedupeEntriesMax;
  DatabaseAccess access = DatabaseAccess::kWrite;
};

// One shard copy's truth: RocksDB without a WAL (the log is its WAL) and with atomic flush, column
// families rows, ids, dead, dedupe, postings and sys. Threads: reads from any; Write and Flush from
// any, one writer applies.
class StateStore {
 public:
  virtual ~StateStore() = default;

  static absl::StatusOr<std::unique_ptr<StateStore>> Open(const StateOptions& options);

  virtual AppliedState applied() const = 0;  // as of the last Write (or what was found at Open)
  // The same from the database: as new as whatever a read that ended before it has seen, where
  // applied() is behind for as long as a Write takes to return.
  virtual absl::StatusOr<AppliedState> ReadApplied() = 0;
  virtual std::unique_ptr<StateBatch> NewBatch() = 0;
  // Empties the batch where it succeeds. RESOURCE_EXHAUSTED DISK_FULL while a state of the node
  // waits for room on its disk, which it does by itself: what was refused can be written after it.
  virtual absl::Status Write(StateBatch& batch) = 0;
  // Everything written so far is durable when it returns. DISK_FULL as Write; where the disk fills
  // up meanwhile, it returns when there is room.
  virtual absl::Status Flush() = 0;
  // For who is about to close it: a full disk is an error from now on, and ends the store's writes.
  virtual void EndWaiting() = 0;
  // Up to here the state survives a crash without the log. 0: nothing does.
  virtual absl::StatusOr<uint64_t> FlushedLsn() = 0;

  // entries[i] is where keys[i] is present; one batched read.
  virtual absl::Status FindIds(std::span<const PointKey> keys,
                               std::vector<std::optional<IdEntry>>& entries) = 0;
  // found[i] has version 0 where row i is not live; strings are copies.
  struct StoredRow {
    PointKey key;
    uint64_t version = 0;
    std::string vector;
    std::string payload;
  };
  virtual absl::Status ReadRows(std::span<const uint32_t> rows, std::vector<StoredRow>& found) = 0;
  // Live rows >= from in order; an error of `visit` ends it, and is its answer.
  virtual absl::Status ForEachRow(uint32_t from,
                                  const std::function<absl::Status(const RowRecord&)>& visit) = 0;
  // The first `limit` points of the range that are chosen, all as of one moment. Whether the range
  // ends with what was taken. With kIdAndVersion the records have neither vector nor payload.
  struct PointWalk {
    PointRange range;
    PointParts parts = PointParts::kAll;
    uint32_t limit = 1;
    // Asked of each id in order, before its row is read; null: all are taken.
    std::function<IdChoice(const PointKey&, const IdEntry&)> choose = nullptr;
  };
  virtual absl::StatusOr<bool> WalkPoints(const PointWalk& walk,
                                          const std::function<Visit(const RowRecord&)>& visit) = 0;
  virtual absl::Status ForEachId(
      const std::function<absl::Status(const PointKey&, const IdEntry&)>& visit) = 0;
  // Ascending by field, value and row; the value is a view into the store's buffers.
  struct PostingRecord {
    uint16_t field = 0;
    std::string_view value;
    uint32_t row = 0;
  };
  virtual absl::Status ForEachPosting(
      const std::function<absl::Status(const PostingRecord&)>& visit) = 0;
  // Rows that died at lsn > after.
  virtual absl::Status ForEachDead(uint64_t after_lsn,
                                   const std::function<void(uint32_t)>& visit) = 0;
  // Forgets deaths at lsn <= through: a checkpoint holds them.
  virtual absl::Status ForgetDead(uint64_t through_lsn) = 0;
  virtual absl::StatusOr<SlotDigests> ReadDigests() = 0;
  virtual absl::StatusOr<std::string> ReadManifest() = 0;  // empty: none
  virtual absl::StatusOr<std::string> ReadFields() = 0;    // empty: those of SPEC

  virtual absl::StatusOr<std::optional<DedupeEntry>> FindDedupe(std::string_view request_id) = 0;
  // Drops what is older than limits::kDedupeAgeMs and the oldest above dedupe_entries_max,
  // at most 10,000 a call, so that no call holds the writer for long. Answers how many went.
  virtual absl::StatusOr<uint64_t> ExpireDedupe(uint64_t now_unix_ms) = 0;

  // Rewrites the files that hold rows of [begin, end), so that what was deleted there gives its
  // space back. Blocks for as long as that takes; writes and reads go on.
  virtual absl::Status CompactRows(uint32_t begin, uint32_t end) = 0;
  virtual uint64_t disk_bytes() const = 0;
  // Reads every file of it and compares it with the checksum that was noted when it was written.
  virtual absl::Status VerifyFiles() = 0;

  // Makes `directory`, which is not there, a database of its own with what is stored now: what was
  // written before the call, whole batches of what is written meanwhile. Table files are second
  // names of this store's where the file system has such. state_checkpoint.h reads it.
  virtual absl::Status Checkpoint(const std::string& directory) = 0;
};

// What a state says it has applied, without opening it for writing: that removes files which the
// state does not name, and of a state that lost the end of its own records those are good ones.
// Reads its smallest family alone. Zeros where there is no state yet.
absl::StatusOr<AppliedState> LookAtState(const StateOptions& options);

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_STATE_STORE_H_
