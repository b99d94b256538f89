#include "shard/storage/state_batch.h"

#include "shard/storage/dedupe_table.h"
#include "shard/storage/rocks_open.h"
#include "shard/storage/state_keys.h"

namespace kith::storage {

bool DecodeRow(std::string_view value, RowRecord& record) {
  if (value.size() < kRowHeaderSize) return false;
  record.key = PointKey::FromBytes(value.data());
  record.version = GetLittleEndian<uint64_t>(value.data() + PointKey::kSize);
  const size_t payload = GetLittleEndian<uint32_t>(value.data() + PointKey::kSize + 8);
  const size_t rest = value.size() - kRowHeaderSize;
  if (payload > rest) return false;
  record.vector = value.substr(kRowHeaderSize, rest - payload);
  record.payload = value.substr(value.size() - payload);
  return true;
}

bool DecodeId(std::string_view value, IdEntry& entry) {
  if (value.size() != kIdValueSize) return false;
  entry.row = GetLittleEndian<uint32_t>(value.data());
  entry.version = GetLittleEndian<uint64_t>(value.data() + 4);
  return true;
}

bool DecodeApplied(std::string_view value, AppliedState& applied) {
  if (value.size() != kAppliedSize) return false;
  applied.applied_lsn = GetLittleEndian<uint64_t>(value.data());
  applied.epoch = GetLittleEndian<uint64_t>(value.data() + 8);
  applied.next_row = GetLittleEndian<uint32_t>(value.data() + 16);
  applied.live_points = GetLittleEndian<uint64_t>(value.data() + 20);
  return true;
}

bool DecodeDigest(std::string_view value, Digest& digest) {
  if (value.size() != kDigestSize) return false;
  digest.low = GetLittleEndian<uint64_t>(value.data());
  digest.high = GetLittleEndian<uint64_t>(value.data() + 8);
  return true;
}

// A put into a batch in memory fails only above RocksDB's 4 GB a key or value.
void RocksStateBatch::Put(Family where, std::string_view key, std::string_view value) {
  batch_.Put(family(where), ToSlice(key), ToSlice(value)).PermitUncheckedError();
}

void RocksStateBatch::Delete(Family where, std::string_view key) {
  batch_.Delete(family(where), ToSlice(key)).PermitUncheckedError();
}

void RocksStateBatch::PutRow(const RowRecord& record) {
  char header[kRowHeaderSize];
  std::memcpy(header, record.key.bytes.data(), PointKey::kSize);
  PutLittleEndian(PutLittleEndian(header + PointKey::kSize, record.version),
                  static_cast<uint32_t>(record.payload.size()));
  const FixedKey<4> key = RowKey(record.row);
  const rocksdb::Slice key_slice = ToSlice(key.view());
  const rocksdb::Slice value[] = {
      {header, sizeof(header)}, ToSlice(record.vector), ToSlice(record.payload)};
  batch_.Put(family(Family::kRows), {&key_slice, 1}, {value, 3}).PermitUncheckedError();
}

void RocksStateBatch::DeleteRow(uint32_t row) { Delete(Family::kRows, RowKey(row).view()); }

void RocksStateBatch::PutId(uint16_t slot, const PointKey& key, const IdEntry& entry) {
  char value[kIdValueSize];
  PutLittleEndian(PutLittleEndian(value, entry.row), entry.version);
  Put(Family::kIds, IdKey(slot, key).view(), {value, sizeof(value)});
}

void RocksStateBatch::DeleteId(uint16_t slot, const PointKey& key) {
  Delete(Family::kIds, IdKey(slot, key).view());
}

void RocksStateBatch::MarkDead(uint64_t lsn, uint32_t row) {
  Put(Family::kDead, DeadKey(lsn, row).view(), {});
}

void RocksStateBatch::PutDigest(uint16_t slot, const Digest& digest) {
  char value[kDigestSize];
  PutLittleEndian(PutLittleEndian(value, digest.low), digest.high);
  Put(Family::kSys, DigestKey(slot).view(), {value, sizeof(value)});
}

void RocksStateBatch::PutDedupe(std::string_view request_id, const DedupeEntry& entry) {
  Put(Family::kDedupe, DedupeTable::EntryKey(request_id), DedupeTable::EncodeEntry(entry));
  Put(Family::kDedupe, DedupeTable::AgeKey(entry.unix_ms, request_id), {});
  ++dedupe_puts_;
}

void RocksStateBatch::PutApplied(const AppliedState& applied) {
  char value[kAppliedSize];
  char* end = PutLittleEndian(PutLittleEndian(value, applied.applied_lsn), applied.epoch);
  PutLittleEndian(PutLittleEndian(end, applied.next_row), applied.live_points);
  Put(Family::kSys, kAppliedKey, {value, sizeof(value)});
  applied_ = applied;
}

void RocksStateBatch::PutManifest(std::string_view manifest) {
  Put(Family::kSys, kManifestKey, manifest);
}

void RocksStateBatch::PutDedupeCount(uint64_t count) {
  char value[sizeof(count)];
  PutLittleEndian(value, count);
  Put(Family::kSys, kDedupeCountKey, {value, sizeof(value)});
}

void RocksStateBatch::Clear() {
  batch_.Clear();
  applied_.reset();
  dedupe_puts_ = 0;
}

}  // namespace kith::storage
