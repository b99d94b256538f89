#include "shard/storage/dedupe_table.h"

#include <memory>

#include "common/base/byte_codec.h"
#include "common/base/status.h"
#include "shard/storage/errno_status.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/rocks_status.h"

namespace kith::storage {
namespace {

constexpr char kEntryPrefix = 'r';
constexpr char kAgePrefix = 't';
constexpr size_t kAgeHeader = 1 + 8;
constexpr size_t kEntryHeader = 8 + 2;      // unix_ms | size of the body hash
constexpr uint64_t kExpireAtOnce = 10'000;  // so that one call never holds the writer for long

bool DecodeEntry(std::string_view value, DedupeEntry& entry) {
  if (value.size() < kEntryHeader) return false;
  const size_t hash_size = GetLittleEndian<uint16_t>(value.data() + 8);
  if (hash_size > value.size() - kEntryHeader) return false;
  entry.unix_ms = GetLittleEndian<uint64_t>(value.data());
  entry.body_hash = value.substr(kEntryHeader, hash_size);
  entry.reply = value.substr(kEntryHeader + hash_size);
  return true;
}

}  // namespace

std::string DedupeTable::EntryKey(std::string_view request_id) {
  return std::string(1, kEntryPrefix).append(request_id);
}

std::string DedupeTable::AgeKey(uint64_t unix_ms, std::string_view request_id) {
  char header[kAgeHeader];
  header[0] = kAgePrefix;
  PutBigEndian(header + 1, unix_ms);
  return std::string(header, sizeof(header)).append(request_id);
}

std::string DedupeTable::EncodeEntry(const DedupeEntry& entry) {
  std::string value;
  AppendLittleEndian(value, entry.unix_ms);
  AppendLittleEndian(value, static_cast<uint16_t>(entry.body_hash.size()));
  return value.append(entry.body_hash).append(entry.reply);
}

absl::StatusOr<std::optional<DedupeEntry>> DedupeTable::Find(std::string_view request_id) const {
  rocksdb::PinnableSlice value;
  const rocksdb::Status status = db_.Get({}, family_, EntryKey(request_id), &value);
  if (status.IsNotFound()) return std::optional<DedupeEntry>();
  KITH_RETURN_IF_ERROR(FromRocks(status, "read the request table of", db_.GetName()));
  DedupeEntry entry;
  if (!DecodeEntry(ToView(value), entry)) return CorruptFile(db_.GetName(), "a request entry");
  return std::optional<DedupeEntry>(std::move(entry));
}

absl::StatusOr<uint64_t> DedupeTable::Expire(const Expiry& expiry,
                                             rocksdb::WriteBatch& batch) const {
  const std::unique_ptr<rocksdb::Iterator> mark(db_.NewIterator({}, family_));
  uint64_t removed = 0;
  for (mark->Seek({&kAgePrefix, 1}); mark->Valid() && removed < kExpireAtOnce; mark->Next()) {
    const rocksdb::Slice key = mark->key();
    if (key.size() < kAgeHeader || key[0] != kAgePrefix) break;
    const bool old = GetBigEndian<uint64_t>(key.data() + 1) < expiry.oldest_unix_ms;
    if (!old && removed >= expiry.surplus) break;
    KITH_RETURN_IF_ERROR(RemoveMarked(key, batch));
    ++removed;
  }
  KITH_RETURN_IF_ERROR(FromRocks(mark->status(), "read the request table of", db_.GetName()));
  return removed;
}

// A request id may have been used again after its first entry expired: an old mark does not take
// the younger entry with it.
absl::Status DedupeTable::RemoveMarked(const rocksdb::Slice& mark,
                                       rocksdb::WriteBatch& batch) const {
  const std::string_view request_id = ToView(mark).substr(kAgeHeader);
  KITH_ASSIGN_OR_RETURN(const std::optional<DedupeEntry> entry, Find(request_id));
  batch.Delete(family_, mark).PermitUncheckedError();
  if (entry.has_value() && entry->unix_ms == GetBigEndian<uint64_t>(mark.data() + 1)) {
    batch.Delete(family_, EntryKey(request_id)).PermitUncheckedError();
  }
  return absl::OkStatus();
}

}  // namespace kith::storage
