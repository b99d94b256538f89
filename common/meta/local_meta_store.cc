#include "common/meta/local_meta_store.h"

#include <fmt/format.h>
#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/file_checksum.h>
#include <rocksdb/options.h>
#include <rocksdb/write_batch.h>
#include <spdlog/spdlog.h>
#include <xxhash.h>

#include <utility>

#include "common/base/byte_codec.h"
#include "common/base/one_line.h"
#include "common/base/reasons.h"
#include "common/base/status.h"
#include "common/meta/meta_bound.h"
#include "common/meta/record_codec.h"
#include "common/telemetry/log.h"

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
  AppendLittleEndian(bytes, value);
  return bytes;
}

absl::Status Refused(absl::StatusCode code, const char* reason, std::string_view remedy,
                     std::string_view cause) {
  return Error(code, reason, fmt::format("metadata store {}; {}", cause, remedy));
}

absl::Status Lost(std::string_view what) {
  return Refused(absl::StatusCode::kDataLoss, reason::kCorruption,
                 "restore what is damaged of it from a copy; it was left as it is (kith fsck says "
                 "what else is wrong, docs/repair.md how to repair it)",
                 what);
}

// RocksDB tells the kinds of an I/O error apart in its text only.
absl::Status FromRocks(const rocksdb::Status& status, const std::string& directory) {
  if (status.ok()) return absl::OkStatus();
  const std::string text = OneLine(status.ToString());
  const std::string cause = fmt::format("{}: {}", directory, text);
  const auto mentions = [&](const char* part) { return text.find(part) != std::string::npos; };
  if (status.IsNoSpace()) {
    return Refused(absl::StatusCode::kResourceExhausted, reason::kDiskFull,
                   "free space in the data directory", cause);
  }
  if (status.IsCorruption() || mentions("No such file or directory")) return Lost(cause);
  if (status.IsIOError() && (mentions("lock hold by current process") || mentions("While lock"))) {
    return Refused(absl::StatusCode::kFailedPrecondition, reason::kDirectoryInUse,
                   "another server uses this directory: stop it or give this one its own", cause);
  }
  if (status.IsIOError() && (mentions("Permission denied") || mentions("Read-only"))) {
    return Refused(absl::StatusCode::kFailedPrecondition, reason::kStorage,
                   "make the directory writable for this user", cause);
  }
  return Refused(absl::StatusCode::kUnavailable, reason::kStorage,
                 "look at the disk and the system's log, then start again", cause);
}

rocksdb::Env* EnvOf(const LocalMetaOptions& options) {
  return options.env != nullptr ? options.env : rocksdb::Env::Default();
}

rocksdb::Options RocksOptions(const LocalMetaOptions& options) {
  rocksdb::Options rocks;
  rocks.create_if_missing = true;
  rocks.write_buffer_size = 1 << 20;
  rocks.max_background_jobs = 1;
  rocks.max_log_file_size = 1 << 20;
  rocks.keep_log_file_num = 2;
  rocks.file_checksum_gen_factory = rocksdb::GetFileChecksumGenCrc32cFactory();
  // The log of a crash may end in a torn write, never in a hole: anything else is corruption.
  rocks.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  rocks.env = EnvOf(options);
  return rocks;
}

// RocksDB begins an empty store where CURRENT is gone, whatever else lies there.
absl::Status CheckFiles(const LocalMetaOptions& options) {
  rocksdb::Env& env = *EnvOf(options);
  if (env.FileExists(options.directory + "/CURRENT").ok()) return absl::OkStatus();
  std::vector<std::string> names;
  if (!env.GetChildren(options.directory, &names).ok()) return absl::OkStatus();
  for (const std::string& name : names) {
    if (name.ends_with(".sst") || name.ends_with(".log") || name == "BOUND") {
      return Lost(
          fmt::format("{}: it holds {}, and its CURRENT file is gone", options.directory, name));
    }
  }
  return absl::OkStatus();
}

// Of all that it holds: there is little.
absl::StatusOr<uint64_t> ContentOf(rocksdb::DB& db, const std::string& directory) {
  std::string content;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  for (it->SeekToFirst(); it->Valid(); it->Next()) {
    content += EncodeU64(it->key().size()) + EncodeU64(it->value().size());
    content.append(it->key().data(), it->key().size());
    content.append(it->value().data(), it->value().size());
  }
  KITH_RETURN_IF_ERROR(FromRocks(it->status(), directory));
  return XXH3_64bits(content.data(), content.size());
}

absl::Status CheckBound(rocksdb::DB& db, const std::string& directory, const MetaBound& bound) {
  const uint64_t changes = db.GetLatestSequenceNumber();
  if (changes > bound.changes) return absl::OkStatus();  // a crash came before they were noted
  KITH_ASSIGN_OR_RETURN(const uint64_t content, ContentOf(db, directory));
  if (changes == bound.changes && content == bound.content) return absl::OkStatus();
  return Lost(fmt::format("{}: {} changes were made; it ends after {}, or holds not all of them",
                          directory, bound.changes, changes));
}

// Opens it for reading alone: an open for writing removes files that the store does not name, and
// of one that lost the end of its own records those are good ones. Null: there is none yet.
absl::StatusOr<std::unique_ptr<rocksdb::DB>> Look(const LocalMetaOptions& options) {
  KITH_RETURN_IF_ERROR(CheckFiles(options));
  rocksdb::Env& env = *EnvOf(options);
  if (!env.FileExists(options.directory + "/CURRENT").ok()) return nullptr;
  const std::optional<MetaBound> bound = ReadMetaBound(env, options.directory);
  const rocksdb::Options rocks = RocksOptions(options);
  rocksdb::DB* raw = nullptr;
  // Through the form for several families: the other one may open a database that has just one
  // file as something that cannot be iterated.
  std::vector<rocksdb::ColumnFamilyHandle*> families;
  KITH_RETURN_IF_ERROR(FromRocks(
      rocksdb::DB::OpenForReadOnly(rocks, options.directory,
                                   {{rocksdb::kDefaultColumnFamilyName, rocks}}, &families, &raw),
      options.directory));
  std::unique_ptr<rocksdb::DB> db(raw);
  db->DestroyColumnFamilyHandle(families[0]).PermitUncheckedError();  // it keeps one of its own
  if (bound.has_value()) KITH_RETURN_IF_ERROR(CheckBound(*db, options.directory, *bound));
  return db;
}

absl::StatusOr<std::vector<CollectionRecord>> ReadRecords(rocksdb::DB& db,
                                                          const std::string& directory) {
  std::vector<CollectionRecord> records;
  const std::unique_ptr<rocksdb::Iterator> it(db.NewIterator(rocksdb::ReadOptions()));
  for (it->Seek(kRecordPrefix); it->Valid() && it->key().starts_with(kRecordPrefix); it->Next()) {
    KITH_ASSIGN_OR_RETURN(CollectionRecord record,
                          DecodeCollectionRecord({it->value().data(), it->value().size()}));
    records.push_back(std::move(record));
  }
  KITH_RETURN_IF_ERROR(FromRocks(it->status(), directory));
  return records;
}

absl::StatusOr<Aliases> ReadAliasesOf(rocksdb::DB& db, const std::string& directory) {
  std::string bytes;
  const rocksdb::Status status = db.Get(rocksdb::ReadOptions(), kAliasesKey, &bytes);
  if (status.IsNotFound()) return Aliases();
  KITH_RETURN_IF_ERROR(FromRocks(status, directory));
  return DecodeAliases(bytes);
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

LocalMetaStore::LocalMetaStore(const LocalMetaOptions& options, std::unique_ptr<rocksdb::DB> db)
    : directory_(options.directory), env_(*EnvOf(options)), db_(std::move(db)) {}
LocalMetaStore::~LocalMetaStore() = default;

absl::StatusOr<std::unique_ptr<LocalMetaStore>> LocalMetaStore::Open(
    const LocalMetaOptions& options) {
  KITH_RETURN_IF_ERROR(Look(options).status());
  rocksdb::DB* raw = nullptr;
  KITH_RETURN_IF_ERROR(FromRocks(rocksdb::DB::Open(RocksOptions(options), options.directory, &raw),
                                 options.directory));
  std::unique_ptr<LocalMetaStore> store(
      new LocalMetaStore(options, std::unique_ptr<rocksdb::DB>(raw)));
  KITH_RETURN_IF_ERROR(store->Initialise());
  return store;
}

absl::Status LocalMetaStore::Initialise() {
  std::lock_guard lock(mutex_);
  std::string found;
  const rocksdb::Status status = db_->Get(rocksdb::ReadOptions(), kClusterKey, &found);
  if (status.ok()) NoteBound();
  if (!status.IsNotFound()) return FromRocks(status, directory_);
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
  KITH_RETURN_IF_ERROR(FromRocks(db_->Write(options, &batch), directory_));
  NoteBound();
  return absl::OkStatus();
}

// What was written is written, whether it can be noted or not.
void LocalMetaStore::NoteBound() {
  const absl::StatusOr<uint64_t> content = ContentOf(*db_, directory_);
  const absl::Status noted =
      content.ok() ? WriteMetaBound(env_, directory_, {db_->GetLatestSequenceNumber(), *content})
                   : content.status();
  if (noted.ok()) return;
  spdlog::warn("event=metadata_bound_not_noted error={}", telemetry::LogValue(noted.ToString()));
}

absl::StatusOr<uint64_t> LocalMetaStore::Counter(std::string_view key) {
  std::string bytes;
  KITH_RETURN_IF_ERROR(
      FromRocks(db_->Get(rocksdb::ReadOptions(), rocksdb::Slice(key.data(), key.size()), &bytes),
                directory_));
  if (bytes.size() != 8) {
    return Error(absl::StatusCode::kDataLoss, reason::kCorruption,
                 fmt::format("metadata counter {} has {} bytes instead of 8", key, bytes.size()));
  }
  return GetLittleEndian<uint64_t>(bytes.data());
}

absl::StatusOr<Uuid> LocalMetaStore::ClusterId() {
  std::string bytes;
  KITH_RETURN_IF_ERROR(
      FromRocks(db_->Get(rocksdb::ReadOptions(), kClusterKey, &bytes), directory_));
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
  KITH_RETURN_IF_ERROR(FromRocks(status, directory_));
  return DecodeCollectionRecord(bytes);
}

absl::StatusOr<CollectionRecord> LocalMetaStore::Get(const std::string& name) {
  std::lock_guard lock(mutex_);
  return Read(name);
}

absl::StatusOr<std::vector<CollectionRecord>> LocalMetaStore::List() {
  std::lock_guard lock(mutex_);
  return ReadRecords(*db_, directory_);
}

absl::StatusOr<Aliases> LocalMetaStore::ListAliases() {
  std::lock_guard lock(mutex_);
  return ReadAliasesOf(*db_, directory_);
}

absl::StatusOr<Aliases> LocalMetaStore::ChangeAliases(const std::vector<AliasChange>& changes) {
  std::lock_guard lock(mutex_);
  KITH_ASSIGN_OR_RETURN(Aliases aliases, ReadAliasesOf(*db_, directory_));
  KITH_ASSIGN_OR_RETURN(const std::vector<CollectionRecord> collections,
                        ReadRecords(*db_, directory_));
  KITH_ASSIGN_OR_RETURN(aliases, ChangedAliases(std::move(aliases), changes, collections));
  rocksdb::WriteBatch batch;
  batch.Put(kAliasesKey, EncodeAliases(aliases));
  KITH_RETURN_IF_ERROR(Commit(batch));
  return aliases;
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
  KITH_ASSIGN_OR_RETURN(const Aliases aliases, ReadAliasesOf(*db_, directory_));
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

absl::StatusOr<std::vector<CollectionRecord>> CheckMetaStore(const LocalMetaOptions& options) {
  KITH_ASSIGN_OR_RETURN(const std::unique_ptr<rocksdb::DB> db, Look(options));
  if (db == nullptr) return std::vector<CollectionRecord>();
  KITH_RETURN_IF_ERROR(FromRocks(db->VerifyFileChecksums({}), options.directory));
  KITH_RETURN_IF_ERROR(ReadAliasesOf(*db, options.directory).status());
  return ReadRecords(*db, options.directory);
}

}  // namespace kith
