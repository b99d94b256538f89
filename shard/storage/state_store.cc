#include "shard/storage/state_store.h"

#include <fmt/format.h>
#include <rocksdb/options.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "common/base/limits.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/rocks_state_store.h"
#include "shard/storage/rocks_store_memory.h"
#include "shard/storage/state_keys.h"

namespace kith::storage {
namespace {

constexpr uint32_t kStateFormat = 1;
constexpr auto kStallPause = std::chrono::milliseconds(1);

}  // namespace

absl::Status RocksStateStore::Load() {
  KITH_ASSIGN_OR_RETURN(const std::string applied, ReadSystem(kAppliedKey));
  KITH_ASSIGN_OR_RETURN(const std::string count, ReadSystem(kDedupeCountKey));
  KITH_RETURN_IF_ERROR(CheckFormat(applied.empty()));
  KITH_ASSIGN_OR_RETURN(applied_, ParseApplied(applied));
  if (!count.empty() && count.size() != sizeof(uint64_t)) return Bad("request count");
  if (!count.empty()) dedupe_count_ = GetLittleEndian<uint64_t>(count.data());
  return absl::OkStatus();
}

// The format number is flushed together with the first batch: a state without it is empty.
absl::Status RocksStateStore::CheckFormat(bool fresh) {
  KITH_ASSIGN_OR_RETURN(const std::string found, ReadSystem(kFormatKey));
  if (found.empty() && fresh && access_ == DatabaseAccess::kRead) return absl::OkStatus();
  if (found.empty() && fresh) {
    char value[sizeof(kStateFormat)];
    PutLittleEndian(value, kStateFormat);
    return Checked(db().Put(StateWriteOptions(Stall::kWait), family(Family::kSys),
                            ToSlice(kFormatKey), {value, sizeof(value)}),
                   "write the state");
  }
  if (found.size() != sizeof(kStateFormat)) return Bad("format number");
  const uint32_t format = GetLittleEndian<uint32_t>(found.data());
  if (format == kStateFormat) return absl::OkStatus();
  return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
               fmt::format("{} has format {}, this program reads {}. Start the program that wrote "
                           "it",
                           directory_, format, kStateFormat));
}

AppliedState RocksStateStore::applied() const {
  std::lock_guard lock(applied_mutex_);
  return applied_;
}

absl::StatusOr<AppliedState> RocksStateStore::ReadApplied() {
  KITH_ASSIGN_OR_RETURN(const std::string value, ReadSystem(kAppliedKey));
  return ParseApplied(value);
}

absl::StatusOr<AppliedState> RocksStateStore::ParseApplied(std::string_view value) const {
  AppliedState applied;
  if (!value.empty() && !DecodeApplied(value, applied)) return Bad("applied record");
  return applied;
}

std::unique_ptr<StateBatch> RocksStateStore::NewBatch() {
  return std::make_unique<RocksStateBatch>(database_.families());
}

absl::Status RocksStateStore::Write(StateBatch& batch) {
  auto& changes = static_cast<RocksStateBatch&>(batch);
  std::lock_guard lock(mutex_);
  const uint64_t dedupe_count = dedupe_count_ + changes.dedupe_puts();
  if (changes.dedupe_puts() > 0) changes.PutDedupeCount(dedupe_count);
  KITH_RETURN_IF_ERROR(WriteLocked(changes.Seal()));
  dedupe_count_ = dedupe_count;
  if (changes.applied().has_value()) {
    std::lock_guard applied_lock(applied_mutex_);
    applied_ = *changes.applied();
  }
  changes.Clear();
  return absl::OkStatus();
}

// Where RocksDB would hold the write up, it may be for a flush that waits for room: that can take
// for ever, and the writer is told instead.
absl::Status RocksStateStore::WriteLocked(rocksdb::WriteBatch& batch) {
  while (!disk_.room->IsAwaited()) {
    const rocksdb::Status status = db().Write(StateWriteOptions(Stall::kRefuse), &batch);
    if (!status.IsIncomplete()) return Checked(status, "write the state");
    if (!IsStopped()) {  // to be slowed down only
      return Checked(db().Write(StateWriteOptions(Stall::kWait), &batch), "write the state");
    }
    std::this_thread::sleep_for(kStallPause);
  }
  return NoRoom();
}

bool RocksStateStore::IsStopped() const {
  uint64_t stopped = 0;
  db().GetIntProperty(rocksdb::DB::Properties::kIsWriteStopped, &stopped);
  return stopped != 0;
}

absl::Status RocksStateStore::Flush() {
  if (disk_.room->IsAwaited()) return NoRoom();
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;  // a writer that waits is better than a flush that never starts
  return Checked(db().Flush(options, database_.families()), "flush the state");
}

// Memtables are skipped, since nothing of them is in a WAL; families are flushed together.
absl::StatusOr<uint64_t> RocksStateStore::FlushedLsn() {
  rocksdb::ReadOptions read;
  read.read_tier = rocksdb::kPersistedTier;
  std::string value;
  const rocksdb::Status status = db().Get(read, family(Family::kSys), ToSlice(kAppliedKey), &value);
  if (status.IsNotFound()) return 0;
  KITH_RETURN_IF_ERROR(Checked(status, "read the state"));
  AppliedState applied;
  if (!DecodeApplied(value, applied)) return Bad("applied record");
  return applied.applied_lsn;
}

// A whole range from the beginning, the one thing range deletion is used for on live data.
absl::Status RocksStateStore::ForgetDead(uint64_t through_lsn) {
  const FixedKey<12> begin = DeadKey(0, 0);
  const FixedKey<12> end = DeadKey(std::max(through_lsn, through_lsn + 1), 0);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(family(Family::kDead), ToSlice(begin.view()), ToSlice(end.view()))
      .PermitUncheckedError();
  std::lock_guard lock(mutex_);
  return WriteLocked(batch);
}

absl::StatusOr<uint64_t> RocksStateStore::ExpireDedupe(uint64_t now_unix_ms) {
  std::lock_guard lock(mutex_);
  DedupeTable::Expiry expiry;
  expiry.oldest_unix_ms = now_unix_ms - std::min(now_unix_ms, limits::kDedupeAgeMs);
  expiry.surplus = dedupe_count_ - std::min(dedupe_count_, dedupe_entries_max_);
  RocksStateBatch batch(database_.families());
  KITH_ASSIGN_OR_RETURN(const uint64_t removed, dedupe_.Expire(expiry, batch.Seal()));
  if (removed == 0) return 0;
  const uint64_t left = dedupe_count_ - std::min(dedupe_count_, removed);
  batch.PutDedupeCount(left);
  KITH_RETURN_IF_ERROR(WriteLocked(batch.Seal()));
  dedupe_count_ = left;
  return removed;
}

// Files are not deleted whole: the mark of a deleted row may lie in one and its value in another.
absl::Status RocksStateStore::CompactRows(uint32_t begin, uint32_t end) {
  if (begin >= end) return absl::OkStatus();
  const FixedKey<4> first = RowKey(begin);
  const FixedKey<4> last = RowKey(end - 1);
  const rocksdb::Slice from = ToSlice(first.view());
  const rocksdb::Slice to = ToSlice(last.view());
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;  // the flushes' own compactions go on
  options.allow_write_stall = true;  // dead rows are in no memtable any more: nothing to flush
  return Checked(db().CompactRange(options, family(Family::kRows), &from, &to), "compact rows of");
}

uint64_t RocksStateStore::disk_bytes() const {
  uint64_t bytes = 0;
  for (rocksdb::ColumnFamilyHandle* handle : database_.families()) {
    uint64_t tables = 0;
    db().GetIntProperty(handle, rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
    bytes += tables;
  }
  return bytes;
}

absl::Status RocksStateStore::VerifyFiles() {
  return Checked(db().VerifyFileChecksums({}), "verify the files of");
}

namespace {

absl::Status OpenDatabaseOf(const StateOptions& options, const rocksdb::DBOptions& database,
                            FamilyHandles& families, rocksdb::DB*& db) {
  const std::string& directory = options.directory;
  if (options.access == DatabaseAccess::kRead) {
    return FromRocks(
        rocksdb::DB::OpenForReadOnly(database, directory, StateFamilies(options), &families, &db),
        "read the state database", directory);
  }
  return FromRocks(rocksdb::DB::Open(database, directory, StateFamilies(options), &families, &db),
                   "open the state database (it is left as it is)", directory);
}

}  // namespace

absl::StatusOr<std::unique_ptr<StateStore>> StateStore::Open(const StateOptions& given) {
  StateOptions options = given;
  if (options.memory == nullptr) options.memory = NewStoreMemory({});
  KITH_RETURN_IF_ERROR(PrepareDatabaseDirectory(*options.files, options.directory, options.access));
  KITH_ASSIGN_OR_RETURN(std::unique_ptr<RocksStateStore> store,
                        RocksStateStore::OpenPrepared(options));
  store->BeginWaiting();
  spdlog::info("event=state_opened path={} applied_lsn={} bytes={}", options.directory,
               store->applied().applied_lsn, store->disk_bytes());
  return store;
}

absl::StatusOr<std::unique_ptr<RocksStateStore>> RocksStateStore::OpenPrepared(
    const StateOptions& options) {
  WaitingDisk disk;
  disk.room = std::make_unique<RoomWait>(options.memory->waiting_for_room);
  disk.env = NewRoomWaitingEnv(*options.files->rocksdb_env(), *disk.room);
  rocksdb::DB* db = nullptr;
  FamilyHandles families;
  KITH_RETURN_IF_ERROR(
      OpenDatabaseOf(options, StateDatabaseOptions(options, *disk.env), families, db));
  auto store = std::make_unique<RocksStateStore>(options, std::move(disk), db, families);
  KITH_RETURN_IF_ERROR(store->Load());
  return store;
}

absl::StatusOr<AppliedState> LookAtState(const StateOptions& given) {
  StateOptions options = given;
  options.access = DatabaseAccess::kRead;
  if (options.memory == nullptr) options.memory = NewStoreMemory({});
  AppliedState applied;
  KITH_RETURN_IF_ERROR(PrepareDatabaseDirectory(*options.files, options.directory, options.access));
  if (!options.files->Exists(options.directory + "/CURRENT")) return applied;
  rocksdb::DB* db = nullptr;
  FamilyHandles families;
  KITH_RETURN_IF_ERROR(FromRocks(
      rocksdb::DB::OpenForReadOnly(StateDatabaseOptions(options, *options.files->rocksdb_env()),
                                   options.directory,
                                   {StateFamilies(options)[size_t(Family::kSys)]}, &families, &db),
      "read the state database (it is left as it is)", options.directory));
  const OpenDatabase look(db, families);
  std::string value;
  const rocksdb::Status status = db->Get({}, ToSlice(kAppliedKey), &value);
  if (status.IsNotFound()) return applied;
  KITH_RETURN_IF_ERROR(FromRocks(status, "read the state database", options.directory));
  if (DecodeApplied(value, applied)) return applied;
  return CorruptFile(options.directory, "a wrong applied record");
}

}  // namespace kith::storage
