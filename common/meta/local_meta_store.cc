#include "common/meta/local_meta_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>

#include <utility>

#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/record_codec.h"

namespace kith {
namespace {

constexpr char kClusterKey[] = "cluster";
constexpr char kNextShardKey[] = "next_shard";
constexpr char kRevisionKey[] = "revision";
constexpr char kAliasesKey[] = "aliases";
constexpr char kRecordPrefix[] = "collection/";

std::string RecordKey(const std::string& name) { return kRecordPrefix + name; }

std::string EncodeU64(uint64_t value) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(value >> (8 * i)));
  return bytes;
}

absl::Status Refused(absl::StatusCode code, const char* reason, std::string_view remedy,
                     const rocksdb::Status& cause) {
  return Error(code, reason, fmt::format("metadata store: {}; {}", cause.ToString(), remedy));
}

// RocksDB tells the kinds of an I/O error apart in its text only.
absl::Status FromRocks(const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = status.ToString();
  const auto mentions = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (status.IsNoSpace()) {
    return Refused(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
                   "free space in the data directory", status);
  }
  if (status.IsCorruption()) {
    return Refused(absl::StatusCode::kDataLoss, reason::kCorruption,
                   "restore the meta directory from a backup", status);
  }
  if (status.IsIOError() && (mentions("lock hold by current process") || mentions("While lock"))) {
    return Refused(absl::StatusCode::kFailedPrecondition, reason::kDirectoryInUse,
                   "another server uses this directory: stop it or give this one its own", status);
  }
  if (status.IsIOError() && (mentions("Permission denied") || mentions("Read-only"))) {
    return Refused(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                   "make the directory writable for this user", status);
  }
  return Refused(absl::StatusCode::kUnavailable, reason::kStorage,
                 "look at the disk and the system's log, then start again", status);
}

absl::Status NotFound(const std::string& name) {
  return Error(absl::StatusCode::kNotFound, reason::kCollectionNotFound,
               fmt::format("there is no collection {}", name));
}

absl::Status TakenByAlias(const std::string& name) {
  return Error(absl::StatusCode::kAlreadyExists, reason::kAliasExists,
               fmt::format("{} is an alias: choose another name, or delete the alias first", name));
}

absl::Status Outdated(const std::string& name, uint64_t expected, uint64_t found) {
  return Error(absl::StatusCode::kAborted, reason::kVersionMismatch,
               fmt::format("the record of collection {} is at revision {}, not {}; read it again",
                           name, found, expected));
}

}  // namespace

LocalMetaStore::LocalMetaStore(std::unique_ptr<rocksdb::DB> db) : db_(std::move(db)) {}
LocalMetaStore::~LocalMetaStore() = default;

absl::StatusOr<std::unique_ptr<LocalMetaStore>> LocalMetaStore::Open(
    const LocalMetaOptions& options) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  rocks.write_buffer_size = 1 << 20;
  rocks.max_background_jobs = 1;
  rocks.max_log_file_size = 1 << 20;
  rocks.keep_log_file_num = 2;
  // The log of a crash may end in a torn write, never in a hole: anything else is corruption.
  rocks.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  if (options.env != nullptr) rocks.env = options.env;
  rocksdb::DB* raw = nullptr;
  KITH_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(rocks, options.directory, &raw)));
  std::unique_ptr<LocalMetaStore> store(new LocalMetaStore(std::unique_ptr<rocksdb::DB>(raw)));
  KITH_RETURN_IF_ERROR(store->Initialise());
  return store;
}

absl::Status LocalMetaStore::Initialise() {
  std::lock_guard lock(mutex_);
  std::string found;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kClusterKey, &found);
  if (!status.IsNotFound()) return FromRocks(status);
  rocksdb::WriteBatch batch;
  const Uuid cluster = Uuid::Random();
  const std::string_view id = cluster.view();
  batch.Put(kClusterKey, rocksdb::Slice(id.data(), id.size()));
  batch.Put(kNextShardKey, EncodeU64(1));
  batch.Put(kRevisionKey, EncodeU64(0));
  return Commit(batch);
}

absl::Status LocalMetaStore::Commit(rocksdb::WriteBatch& batch) {
  rocksdb::WriteOptions options;
  options.sync = true;
  return FromRocks(db_->Write(options, &batch));
}

absl::StatusOr<uint64_t> LocalMetaStore::Counter(std::string_view key) {
  std::string bytes;
  KITH_RETURN_IF_ERROR(
      FromRocks(db_->Get(rocksdb::ReadOptions(), rocksdb::Slice(key.data(), key.size()), &bytes)));
  if (bytes.size() != 8) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 fmt::format("metadata counter {} has {} bytes instead of 8", key, bytes.size()));
  }
  uint64_t value = 0;
  for (int i = 0; i < 8; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  return value;
}

absl::StatusOr<Uuid> LocalMetaStore::ClusterId() {
  std::string bytes;
  KITH_RETURN_IF_ERROR(FromRocks(db_->Get(rocksdb::ReadOptions(), kClusterKey, &bytes)));
  Uuid id;
  if (bytes.size() != id.bytes.size()) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 fmt::format("the cluster id has {} bytes instead of 16", bytes.size()));
  }
  std::copy(bytes.begin(), bytes.end(), id.bytes.begin());
  return id;
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Read(const std::string& name) {
  std::string bytes;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), RecordKey(name), &bytes);
  if (status.IsNotFound()) return NotFound(name);
  KITH_RETURN_IF_ERROR(FromRocks(status));
  return DecodeCollectionRecord(bytes);
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Get(const std::string& name) {
  std::lock_guard lock(mutex_);
  return Read(name);
}

absl::StatusOr<std::vector<CollectionRecord>> LocalMetaStore::List() {
  std::lock_guard lock(mutex_);
  return ReadAll();
}

absl::StatusOr<Aliases> LocalMetaStore::ReadAliases() {
  std::string bytes;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kAliasesKey, &bytes);
  if (status.IsNotFound()) return Aliases();
  KITH_RETURN_IF_ERROR(FromRocks(status));
  return DecodeAliases(bytes);
}

absl::StatusOr<Aliases> LocalMetaStore::ListAliases() {
  std::lock_guard lock(mutex_);
  return ReadAliases();
}

absl::StatusOr<Aliases> LocalMetaStore::ChangeAliases(const std::vector<AliasChange>& changes) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Aliases aliases, ReadAliases());
  KITH_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> collections, ReadAll());
  KITH_ASSIGN_OR_RETURN(aliases, ChangedAliases(std::move(aliases), changes, collections));
  rocksdb::WriteBatch batch;
  batch.Put(kAliasesKey, EncodeAliases(aliases));
  KITH_RETURN_IF_ERROR(Commit(batch));
  return aliases;
}

absl::StatusOr<std::vector<CollectionRecord>> LocalMetaStore::ReadAll() {
  std::vector<CollectionRecord> records;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(kRecordPrefix); it->Valid() && it->key().starts_with(kRecordPrefix); it->Next()) {
    KITH_ASSIGN_OR_RETURN(CollectionRecord record,
                          DecodeCollectionRecord({it->value().data(), it->value().size()}));
    records.push_back(std::move(record));
  }
  KITH_RETURN_IF_ERROR(FromRocks(it->status()));
  return records;
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Put(CollectionRecord record) {
  // Revisions count over the whole store: a name created again never repeats one.
  KITH_ASSIGN_OR_RETURN(const uint64_t revision, Counter(kRevisionKey));
  record.revision = revision + 1;
  rocksdb::WriteBatch batch;
  batch.Put(kRevisionKey, EncodeU64(record.revision));
  batch.Put(RecordKey(record.name), EncodeCollectionRecord(record));
  KITH_RETURN_IF_ERROR(Commit(batch));
  return record;
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Create(CollectionRecord record) {
  std::lock_guard lock(mutex_);
  const auto found = Read(record.name);
  if (found.ok()) {
    return Error(absl::StatusCode::kAlreadyExists, reason::kCollectionExists,
                 fmt::format("collection {} exists", record.name));
  }
  if (!absl::IsNotFound(found.status())) return found.status();
  KITH_ASSIGN_OR_RETURN(const Aliases aliases, ReadAliases());
  if (aliases.contains(record.name)) return TakenByAlias(record.name);
  return Put(std::move(record));
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Update(CollectionRecord record) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const CollectionRecord found, Read(record.name));
  if (found.revision != record.revision) {
    return Outdated(record.name, record.revision, found.revision);
  }
  return Put(std::move(record));
}

absl::Status LocalMetaStore::Delete(const std::string& name, uint64_t revision) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const CollectionRecord found, Read(name));
  if (found.revision != revision) return Outdated(name, revision, found.revision);
  rocksdb::WriteBatch batch;
  batch.Delete(RecordKey(name));
  return Commit(batch);
}

absl::StatusOr<ShardId> LocalMetaStore::ReserveShardIds(uint32_t count) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(const uint64_t first, Counter(kNextShardKey));
  rocksdb::WriteBatch batch;
  batch.Put(kNextShardKey, EncodeU64(first + count));
  KITH_RETURN_IF_ERROR(Commit(batch));
  return first;
}

}  // namespace kith
