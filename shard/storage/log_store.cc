#include "shard/storage/log_store.h"

#include <fmt/format.h>
#include <rocksdb/convenience.h>
#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <algorithm>
#include <array>
#include <limits>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/rocks_options.h"
#include "shard/storage/rocks_status.h"
#include "shard/storage/state_batch.h"
#include "shard/storage/state_keys.h"

namespace kith::storage {
namespace {

constexpr char kValueFormat = 1;
constexpr size_t kHeaderSize = 1 + 8 + 8;  // format | epoch | checksum
constexpr uint64_t kLastLsn = std::numeric_limits<uint64_t>::max();

// Covers the key too: an entry read from a wrong place shows itself.
uint64_t RecordChecksum(const LogRecord& record) {
  char numbers[24];
  PutLittleEndian(PutLittleEndian(PutLittleEndian(numbers, record.shard), record.lsn),
                  record.epoch);
  const uint64_t seed = XXH3_64bits(numbers, sizeof(numbers));
  return XXH3_64bits_withSeed(record.body.data(), record.body.size(), seed);
}

std::array<char, kHeaderSize> EncodeHeader(const LogRecord& record) {
  std::array<char, kHeaderSize> header;
  header[0] = kValueFormat;
  PutLittleEndian(PutLittleEndian(header.data() + 1, record.epoch), RecordChecksum(record));
  return header;
}

void PutRecord(rocksdb::WriteBatch& batch, rocksdb::ColumnFamilyHandle* family,
               const LogRecord& record) {
  const std::string key = LogKey{record.shard, record.lsn}.Encode();
  const std::array<char, kHeaderSize> header = EncodeHeader(record);
  const rocksdb::Slice key_slice = key;
  const rocksdb::Slice value[] = {{header.data(), header.size()}, ToSlice(record.body)};
  batch.Put(family, {&key_slice, 1}, {value, 2}).PermitUncheckedError();  // fails on size only
}

class RocksLogStore final : public LogStore {
 public:
  RocksLogStore(const LogOptions& options, rocksdb::DB* db,
                std::shared_ptr<LogTruncation> truncation)
      : directory_(options.directory),
        write_options_(LogWriteOptions(options.faults)),
        truncation_(std::move(truncation)),
        database_(db, {}) {}

  absl::Status Append(std::span<const LogRecord> records) override;
  absl::Status Read(uint64_t shard, uint64_t from_lsn,
                    const std::function<absl::Status(const LogRecord&)>& visit) override;
  absl::StatusOr<uint64_t> LastLsn(uint64_t shard) override;
  absl::StatusOr<uint64_t> FirstMissing(uint64_t shard, uint64_t from_lsn) override;
  absl::Status Truncate(uint64_t shard, uint64_t lsn) override;
  absl::Status DropShard(uint64_t shard) override;
  absl::Status Flush() override;
  const std::string& directory() const override { return directory_; }
  uint64_t bytes() const override;
  uint64_t memory_bytes() const override;
  absl::Status VerifyFiles() override {
    return FromRocks(db().VerifyFileChecksums({}), "verify the files of the log", directory_);
  }

 private:
  rocksdb::DB& db() const { return database_.db(); }
  absl::StatusOr<LogRecord> Decode(const LogKey& key, std::string_view value) const;
  absl::Status Bad(const LogKey& key, std::string_view what) const;

  const std::string directory_;
  const rocksdb::WriteOptions write_options_;
  const std::shared_ptr<LogTruncation> truncation_;
  const OpenDatabase database_;
};

absl::Status RocksLogStore::Append(std::span<const LogRecord> records) {
  size_t bytes = 64;
  for (const LogRecord& record : records) bytes += record.body.size() + 64;
  rocksdb::WriteBatch batch(bytes, 0, write_options_.protection_bytes_per_key, 0);
  for (const LogRecord& record : records) {
    PutRecord(batch, db().DefaultColumnFamily(), record);
  }
  return FromRocks(db().Write(write_options_, &batch), "append to the log", directory_);
}

absl::Status RocksLogStore::Bad(const LogKey& key, std::string_view what) const {
  return CorruptFile(directory_, fmt::format("log entry shard={} lsn={}: {}. Restore this shard "
                                             "from another copy or a backup",
                                             key.shard, key.lsn, what));
}

absl::StatusOr<LogRecord> RocksLogStore::Decode(const LogKey& key, std::string_view value) const {
  if (value.size() < kHeaderSize) return Bad(key, "cut short");
  if (value[0] != kValueFormat) {
    return Error(absl::StatusCode::kFailedPrecondition, reason::kFormatVersion,
                 fmt::format("{}: log entry shard={} lsn={} has format {}, this program reads {}. "
                             "Start the newer program that wrote it",
                             directory_, key.shard, key.lsn, int{value[0]}, int{kValueFormat}));
  }
  const LogRecord record{key.shard, key.lsn, GetLittleEndian<uint64_t>(value.data() + 1),
                         value.substr(kHeaderSize)};
  if (GetLittleEndian<uint64_t>(value.data() + 9) != RecordChecksum(record)) {
    return Bad(key, "its checksum does not match");
  }
  return record;
}

absl::Status RocksLogStore::Read(uint64_t shard, uint64_t from_lsn,
                                 const std::function<absl::Status(const LogRecord&)>& visit) {
  rocksdb::ReadOptions read;
  read.fill_cache = false;
  read.readahead_size = 2 << 20;
  const std::unique_ptr<rocksdb::Iterator> entry(db().NewIterator(read));
  uint64_t next = std::max<uint64_t>(from_lsn, 1);
  for (entry->Seek(LogKey{shard, next}.Encode()); entry->Valid(); entry->Next()) {
    const LogKey key = LogKey::Parse(entry->key().data());
    if (key.shard != shard) break;
    if (key.lsn != next) return Bad({shard, next}, "missing, while later ones are there");
    KITH_ASSIGN_OR_RETURN(const LogRecord record, Decode(key, ToView(entry->value())));
    KITH_RETURN_IF_ERROR(visit(record));
    ++next;
  }
  return FromRocks(entry->status(), "read the log", directory_);
}

absl::StatusOr<uint64_t> RocksLogStore::LastLsn(uint64_t shard) {
  const std::unique_ptr<rocksdb::Iterator> entry(db().NewIterator({}));
  entry->SeekForPrev(LogKey{shard, kLastLsn}.Encode());
  KITH_RETURN_IF_ERROR(FromRocks(entry->status(), "read the log", directory_));
  if (!entry->Valid()) return 0;
  const LogKey key = LogKey::Parse(entry->key().data());
  return key.shard == shard ? key.lsn : 0;
}

absl::StatusOr<uint64_t> RocksLogStore::FirstMissing(uint64_t shard, uint64_t from_lsn) {
  const std::unique_ptr<rocksdb::Iterator> entry(db().NewIterator({}));
  uint64_t next = from_lsn;
  for (entry->Seek(LogKey{shard, next}.Encode()); entry->Valid(); entry->Next()) {
    const LogKey key = LogKey::Parse(entry->key().data());
    if (key.shard != shard || key.lsn != next) break;
    ++next;
  }
  KITH_RETURN_IF_ERROR(FromRocks(entry->status(), "read the log", directory_));
  return next;
}

absl::Status RocksLogStore::Truncate(uint64_t shard, uint64_t lsn) {
  truncation_->Raise(shard, lsn);
  const std::string begin = LogKey{shard, 0}.Encode();
  const std::string end = LogKey{shard, lsn}.Encode();
  const rocksdb::Slice begin_slice = begin;
  const rocksdb::Slice end_slice = end;
  return FromRocks(
      rocksdb::DeleteFilesInRange(&db(), db().DefaultColumnFamily(), &begin_slice, &end_slice),
      "truncate the log", directory_);
}

absl::Status RocksLogStore::DropShard(uint64_t shard) {
  truncation_->Forget(shard);
  rocksdb::WriteBatch batch;
  batch.DeleteRange(LogKey{shard, 0}.Encode(), LogKey{shard, kLastLsn}.Encode())
      .PermitUncheckedError();
  rocksdb::WriteOptions write;
  write.sync = true;
  return FromRocks(db().Write(write, &batch), "drop a shard's entries from the log", directory_);
}

absl::Status RocksLogStore::Flush() {
  rocksdb::FlushOptions options;
  options.wait = true;
  options.allow_write_stall = true;
  return FromRocks(db().Flush(options), "flush the log", directory_);
}

uint64_t RocksLogStore::memory_bytes() const {
  uint64_t memtables = 0;
  db().GetIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &memtables);
  return memtables;
}

// The memtables stand for the WALs that hold the same entries.
uint64_t RocksLogStore::bytes() const {
  uint64_t tables = 0;
  db().GetIntProperty(rocksdb::DB::Properties::kTotalSstFilesSize, &tables);
  return tables + memory_bytes();
}

// A killed process leaves WAL bytes that no fsync covers. RocksDB applies them and writes on in a
// new WAL, which is synced; were the power to fail before the old one reached the disk by itself,
// the log would have a hole. So what is found is made durable before anything is built on it.
absl::Status SyncFound(FileSystem& files, const std::string& directory) {
  KITH_ASSIGN_OR_RETURN(const std::vector<std::string> names, files.List(directory));
  for (const std::string& name : names) {
    if (name.ends_with(".log")) KITH_RETURN_IF_ERROR(files.SyncFile(directory + "/" + name));
  }
  return files.SyncDirectory(directory);
}

absl::StatusOr<rocksdb::DB*> OpenLogDatabase(const LogOptions& options,
                                             const std::shared_ptr<LogTruncation>& truncation) {
  const rocksdb::Options database = LogDatabaseOptions(options, truncation);
  rocksdb::DB* db = nullptr;
  if (options.access == DatabaseAccess::kRead) {
    // Through the form for several families: the other one may open a database that has just one
    // file as something that cannot be iterated.
    FamilyHandles families;
    KITH_RETURN_IF_ERROR(
        FromRocks(rocksdb::DB::OpenForReadOnly(database, options.directory,
                                               {{rocksdb::kDefaultColumnFamilyName, database}},
                                               &families, &db),
                  "read the log", options.directory));
    db->DestroyColumnFamilyHandle(families[0]).PermitUncheckedError();  // it keeps one of its own
    return db;
  }
  if (!options.faults.trust_page_cache) {
    KITH_RETURN_IF_ERROR(SyncFound(*options.files, options.directory));
  }
  KITH_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(database, options.directory, &db),
                                 "open the log (it is left as it is)", options.directory));
  return db;
}

}  // namespace

absl::StatusOr<std::unique_ptr<LogStore>> LogStore::Open(const LogOptions& options) {
  KITH_RETURN_IF_ERROR(PrepareDatabaseDirectory(*options.files, options.directory, options.access));
  auto truncation = std::make_shared<LogTruncation>();
  KITH_ASSIGN_OR_RETURN(rocksdb::DB* const db, OpenLogDatabase(options, truncation));
  auto store = std::make_unique<RocksLogStore>(options, db, std::move(truncation));
  if (options.access == DatabaseAccess::kWrite) {
    spdlog::info("event=log_opened path={} bytes={}", options.directory, store->bytes());
  }
  return store;
}

}  // namespace kith::storage
