#include <algorithm>
#include <numeric>

#include "common/base/ids.h"
#include "common/base/limits.h"
#include "common/base/status.h"
#include "shard/storage/rocks_state_store.h"
#include "shard/storage/state_keys.h"

namespace kith::storage {

absl::StatusOr<std::string> RocksStateStore::ReadSystem(std::string_view key) const {
  std::string value;
  const rocksdb::Status status = db().Get({}, family(Family::kSys), ToSlice(key), &value);
  if (!status.IsNotFound()) KITH_RETURN_IF_ERROR(Checked(status, "read the state"));
  return value;
}

// Sorted, so that neighbours share the search and the cache lines.
absl::Status RocksStateStore::FindIds(std::span<const PointKey> keys,
                                      std::vector<std::optional<IdEntry>>& entries) {
  const size_t count = keys.size();
  entries.assign(count, std::nullopt);
  std::vector<IdKeyBytes> encoded(count);
  for (size_t i = 0; i < count; ++i) encoded[i] = IdKey(SlotOf(keys[i]), keys[i]);
  std::vector<uint32_t> order(count);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(),
            [&](uint32_t a, uint32_t b) { return encoded[a].view() < encoded[b].view(); });
  std::vector<rocksdb::Slice> slices(count);
  for (size_t i = 0; i < count; ++i) slices[i] = ToSlice(encoded[order[i]].view());
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> statuses(count);
  db().MultiGet({}, family(Family::kIds), count, slices.data(), values.data(), statuses.data(),
                true);
  for (size_t i = 0; i < count; ++i) {
    if (statuses[i].IsNotFound()) continue;
    KITH_RETURN_IF_ERROR(Checked(statuses[i], "read ids of"));
    if (!DecodeId(ToView(values[i]), entries[order[i]].emplace())) return Bad("id entry");
  }
  return absl::OkStatus();
}

absl::Status RocksStateStore::ReadRows(std::span<const uint32_t> rows,
                                       std::vector<StoredRow>& found) {
  const size_t count = rows.size();
  found.assign(count, {});
  std::vector<FixedKey<4>> encoded(count);
  std::vector<rocksdb::Slice> slices(count);
  for (size_t i = 0; i < count; ++i) {
    encoded[i] = RowKey(rows[i]);
    slices[i] = ToSlice(encoded[i].view());
  }
  std::vector<rocksdb::PinnableSlice> values(count);
  std::vector<rocksdb::Status> statuses(count);
  db().MultiGet({}, family(Family::kRows), count, slices.data(), values.data(), statuses.data());
  for (size_t i = 0; i < count; ++i) {
    if (statuses[i].IsNotFound()) continue;
    KITH_RETURN_IF_ERROR(Checked(statuses[i], "read rows of"));
    RowRecord record;
    if (!DecodeRow(ToView(values[i]), record)) return Bad("row");
    found[i] = {record.key, record.version, std::string(record.vector),
                std::string(record.payload)};
  }
  return absl::OkStatus();
}

absl::Status RocksStateStore::ForEachRow(
    uint32_t from, const std::function<absl::Status(const RowRecord&)>& visit) {
  const std::unique_ptr<rocksdb::Iterator> entry = Scan(Family::kRows);
  const FixedKey<4> first = RowKey(from);
  for (entry->Seek(ToSlice(first.view())); entry->Valid(); entry->Next()) {
    RowRecord record;
    if (entry->key().size() != sizeof(uint32_t) || !DecodeRow(ToView(entry->value()), record)) {
      return Bad("row");
    }
    record.row = GetBigEndian<uint32_t>(entry->key().data());
    KITH_RETURN_IF_ERROR(visit(record));
  }
  return Checked(entry->status(), "read rows of");
}

absl::Status RocksStateStore::ForEachId(
    const std::function<absl::Status(const PointKey&, const IdEntry&)>& visit) {
  const std::unique_ptr<rocksdb::Iterator> entry = Scan(Family::kIds);
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    IdEntry id;
    if (entry->key().size() != sizeof(IdKeyBytes) || !DecodeId(ToView(entry->value()), id)) {
      return Bad("id entry");
    }
    const PointKey key = PointKey::FromBytes(entry->key().data() + sizeof(uint16_t));
    KITH_RETURN_IF_ERROR(visit(key, id));
  }
  return Checked(entry->status(), "read ids of");
}

absl::Status RocksStateStore::ForEachPosting(
    const std::function<absl::Status(const PostingRecord&)>& visit) {
  const std::unique_ptr<rocksdb::Iterator> entry = Scan(Family::kPostings);
  for (entry->SeekToFirst(); entry->Valid(); entry->Next()) {
    const std::string_view key = ToView(entry->key());
    if (key.size() < sizeof(uint16_t) + sizeof(uint32_t)) return Bad("posting");
    PostingRecord record;
    record.field = GetBigEndian<uint16_t>(key.data());
    record.value = key.substr(sizeof(uint16_t), key.size() - sizeof(uint16_t) - sizeof(uint32_t));
    record.row = GetBigEndian<uint32_t>(key.data() + key.size() - sizeof(uint32_t));
    KITH_RETURN_IF_ERROR(visit(record));
  }
  return Checked(entry->status(), "read postings of");
}

absl::Status RocksStateStore::ForEachDead(uint64_t after_lsn,
                                          const std::function<void(uint32_t)>& visit) {
  if (after_lsn == ~uint64_t{0}) return absl::OkStatus();
  const std::unique_ptr<rocksdb::Iterator> entry = Scan(Family::kDead);
  const FixedKey<12> first = DeadKey(after_lsn + 1, 0);
  for (entry->Seek(ToSlice(first.view())); entry->Valid(); entry->Next()) {
    if (entry->key().size() != sizeof(first)) return Bad("dead row");
    visit(GetBigEndian<uint32_t>(entry->key().data() + 8));
  }
  return Checked(entry->status(), "read dead rows of");
}

absl::StatusOr<SlotDigests> RocksStateStore::ReadDigests() {
  KITH_ASSIGN_OR_RETURN(const std::string changes, ReadSystem(kDigestsKey));
  SlotDigests digests(limits::kSlots);
  if (!ApplyDigestChanges(changes, digests)) return Bad("list of digests");
  return digests;
}

absl::StatusOr<std::string> RocksStateStore::ReadManifest() { return ReadSystem(kManifestKey); }

absl::StatusOr<std::string> RocksStateStore::ReadFields() { return ReadSystem(kFieldsKey); }

absl::StatusOr<std::optional<DedupeEntry>> RocksStateStore::FindDedupe(
    std::string_view request_id) {
  return dedupe_.Find(request_id);
}

}  // namespace kith::storage
