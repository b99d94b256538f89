#include "shard/storage/state_batch.h"

#include <algorithm>

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

void RocksStateBatch::DeleteRow(uint32_t row) { deleted_rows_.push_back(row); }

// In the order they come: a row may be put and deleted in one batch.
void RocksStateBatch::PutPostings(uint32_t row, std::span<const IndexedValue> values) {
  for (const IndexedValue& value : values) Put(Family::kPostings, PostingKey(value, row), {});
}

void RocksStateBatch::DeletePostings(uint32_t row, std::span<const IndexedValue> values) {
  for (const IndexedValue& value : values) Delete(Family::kPostings, PostingKey(value, row));
}

// One mark for the range: what is put for the field afterwards is not in it.
void RocksStateBatch::DeletePostingsOf(uint16_t field) {
  FixedKey<2> begin;
  FixedKey<2> end;
  PutBigEndian(begin.bytes.data(), field);
  PutBigEndian(end.bytes.data(), static_cast<uint16_t>(field + 1));
  batch_.DeleteRange(family(Family::kPostings), ToSlice(begin.view()), ToSlice(end.view()))
      .PermitUncheckedError();
}

void RocksStateBatch::PutId(uint16_t slot, const PointKey& key, const IdEntry& entry) {
  IdChange& change = ids_.emplace_back();
  change.key = IdKey(slot, key);
  PutLittleEndian(PutLittleEndian(change.value.data(), entry.row), entry.version);
}

void RocksStateBatch::DeleteId(uint16_t slot, const PointKey& key) {
  IdChange& change = ids_.emplace_back();
  change.key = IdKey(slot, key);
  change.is_delete = true;
}

void RocksStateBatch::MarkDead(uint64_t lsn, uint32_t row) {
  Put(Family::kDead, DeadKey(lsn, row).view(), {});
}

void RocksStateBatch::PutDigest(uint16_t slot, const Digest& digest) {
  digests_.emplace_back(slot, digest);
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

void RocksStateBatch::PutFields(std::string_view fields) { Put(Family::kSys, kFieldsKey, fields); }

void RocksStateBatch::PutDedupeCount(uint64_t count) {
  char value[sizeof(count)];
  PutLittleEndian(value, count);
  Put(Family::kSys, kDedupeCountKey, {value, sizeof(value)});
}

// In key order an insert finds its place near the one before. Changes of one id keep their order.
void RocksStateBatch::SealIds() {
  std::stable_sort(ids_.begin(), ids_.end(), [](const IdChange& a, const IdChange& b) {
    return a.key.view() < b.key.view();
  });
  for (const IdChange& change : ids_) {
    if (change.is_delete) {
      Delete(Family::kIds, change.key.view());
    } else {
      Put(Family::kIds, change.key.view(), {change.value.data(), kIdValueSize});
    }
  }
  ids_.clear();
}

// After the puts and in order: puts of new rows follow one another, and an insert that continues
// where the last one was costs no search. A row's number is given out once, so that a row put and
// deleted in one batch is deleted whatever the order.
void RocksStateBatch::SealDeletedRows() {
  std::sort(deleted_rows_.begin(), deleted_rows_.end());
  for (const uint32_t row : deleted_rows_) Delete(Family::kRows, RowKey(row).view());
  deleted_rows_.clear();
}

rocksdb::WriteBatch& RocksStateBatch::Seal() {
  SealDeletedRows();
  SealIds();
  if (!digests_.empty()) {
    const std::string changes = EncodeDigestChanges(std::move(digests_));
    batch_.Merge(family(Family::kSys), ToSlice(kDigestsKey), changes).PermitUncheckedError();
    digests_.clear();
  }
  return batch_;
}

void RocksStateBatch::Clear() {
  batch_.Clear();
  ids_.clear();
  deleted_rows_.clear();
  digests_.clear();
  applied_.reset();
  dedupe_puts_ = 0;
}

}  // namespace kith::storage
