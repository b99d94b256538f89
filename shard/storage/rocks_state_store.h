#ifndef KITH_SHARD_STORAGE_ROCKS_STATE_STORE_H_
#define KITH_SHARD_STORAGE_ROCKS_STATE_STORE_H_

#include <fmt/format.h>

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "shard/storage/dedupe_table.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/rocks_options.h"
#include "shard/storage/rocks_status.h"
#include "shard/storage/room_wait.h"
#include "shard/storage/state_batch.h"
#include "shard/storage/state_store.h"

namespace kith::storage {

// The disk under a state, which waits for room.
struct WaitingDisk {
  std::unique_ptr<RoomWait> room;
  std::unique_ptr<rocksdb::Env> env;
};

// StateStore on RocksDB: opening and writing in state_store.cc, reading in state_reads.cc.
// Threads: as StateStore.
class RocksStateStore final : public StateStore {
 public:
  RocksStateStore(const StateOptions& options, WaitingDisk disk, rocksdb::DB* db,
                  const FamilyHandles& families)
      : directory_(options.directory),
        dedupe_entries_max_(options.dedupe_entries_max),
        access_(options.access),
        disk_(std::move(disk)),
        database_(db, families),
        dedupe_(*db, families[size_t(Family::kDedupe)]) {}
  ~RocksStateStore() override { EndWaiting(); }

  // As StateStore::Open, of a directory that is prepared; what it writes does not wait for room
  // yet. `options.memory` is not null.
  static absl::StatusOr<std::unique_ptr<RocksStateStore>> OpenPrepared(const StateOptions& options);
  absl::Status Load();
  void BeginWaiting() { disk_.room->Begin(); }

  AppliedState applied() const override;
  absl::StatusOr<AppliedState> ReadApplied() override;
  std::unique_ptr<StateBatch> NewBatch() override;
  absl::Status Write(StateBatch& batch) override;
  absl::Status Flush() override;
  void EndWaiting() override { disk_.room->End(); }
  absl::StatusOr<uint64_t> FlushedLsn() override;
  absl::Status FindIds(std::span<const PointKey> keys,
                       std::vector<std::optional<IdEntry>>& entries) override;
  absl::Status ReadRows(std::span<const uint32_t> rows, std::vector<StoredRow>& found) override;
  absl::Status ForEachRow(uint32_t from,
                          const std::function<absl::Status(const RowRecord&)>& visit) override;
  absl::StatusOr<bool> WalkPoints(const PointWalk& walk,
                                  const std::function<Visit(const RowRecord&)>& visit) override;
  absl::Status ForEachId(
      const std::function<absl::Status(const PointKey&, const IdEntry&)>& visit) override;
  absl::Status ForEachPosting(
      const std::function<absl::Status(const PostingRecord&)>& visit) override;
  absl::Status ForEachDead(uint64_t after_lsn, const std::function<void(uint32_t)>& visit) override;
  absl::Status ForgetDead(uint64_t through_lsn) override;
  absl::StatusOr<SlotDigests> ReadDigests() override;
  absl::StatusOr<std::string> ReadManifest() override;
  absl::StatusOr<std::string> ReadFields() override;
  absl::StatusOr<std::optional<DedupeEntry>> FindDedupe(std::string_view request_id) override;
  absl::StatusOr<uint64_t> ExpireDedupe(uint64_t now_unix_ms) override;
  absl::Status CompactRows(uint32_t begin, uint32_t end) override;
  uint64_t disk_bytes() const override;
  absl::Status VerifyFiles() override;
  absl::Status Checkpoint(const std::string& directory) override;  // state_checkpoint.cc
  // By the names of the files.
  std::map<std::string, std::string> TableChecksums() const;

 private:
  class PointWalker;
  rocksdb::DB& db() const { return database_.db(); }
  rocksdb::ColumnFamilyHandle* family(Family family) const {
    return database_.families()[size_t(family)];
  }
  std::unique_ptr<rocksdb::Iterator> Scan(Family where) const {
    rocksdb::ReadOptions read;
    read.fill_cache = false;
    read.readahead_size = 2 << 20;
    return std::unique_ptr<rocksdb::Iterator>(db().NewIterator(read, family(where)));
  }
  absl::Status Checked(const rocksdb::Status& status, std::string_view action) const {
    return FromRocks(status, action, directory_);
  }
  absl::Status Bad(std::string_view what) const {
    return CorruptFile(directory_, fmt::format("a wrong {}. Restore this shard from another copy "
                                               "or a backup",
                                               what));
  }
  absl::StatusOr<std::string> ReadSystem(std::string_view key) const;
  absl::StatusOr<AppliedState> ParseApplied(std::string_view value) const;  // empty: of a new state
  absl::Status CheckFormat(bool fresh);
  absl::Status WriteLocked(rocksdb::WriteBatch& batch);
  bool IsStopped() const;
  absl::Status NoRoom() const { return DiskFullStatus("write the state", directory_); }

  const std::string directory_;
  const uint64_t dedupe_entries_max_;
  const DatabaseAccess access_;
  const WaitingDisk disk_;
  const OpenDatabase database_;
  const DedupeTable dedupe_;

  std::mutex mutex_;  // of writing: held while RocksDB writes, which may wait for the disk
  uint64_t dedupe_count_ = 0;
  mutable std::mutex applied_mutex_;  // never held for longer than a copy takes
  AppliedState applied_;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_ROCKS_STATE_STORE_H_
