#ifndef KITH_SHARD_STORAGE_STATE_BATCH_H_
#define KITH_SHARD_STORAGE_STATE_BATCH_H_

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include <optional>
#include <string_view>
#include <vector>

#include "shard/storage/digest_merge.h"
#include "shard/storage/rocks_options.h"
#include "shard/storage/state_keys.h"
#include "shard/storage/state_store.h"

namespace kith::storage {

// The value of one row: key | version | payload size | vector | payload.
inline constexpr size_t kRowHeaderSize = PointKey::kSize + 8 + 4;
inline constexpr size_t kIdValueSize = 4 + 8;
inline constexpr size_t kAppliedSize = 8 + 8 + 4 + 8;

// False where the bytes cannot be such a value.
bool DecodeRow(std::string_view value, RowRecord& record);
bool DecodeId(std::string_view value, IdEntry& entry);
bool DecodeApplied(std::string_view value, AppliedState& applied);

using FamilyHandles = std::vector<rocksdb::ColumnFamilyHandle*>;

class RocksStateBatch final : public StateBatch {
 public:
  explicit RocksStateBatch(const FamilyHandles& families) : families_(families) {}

  void PutRow(const RowRecord& record) override;
  void DeleteRow(uint32_t row) override;
  void PutPostings(uint32_t row, std::span<const IndexedValue> values) override;
  void DeletePostings(uint32_t row, std::span<const IndexedValue> values) override;
  void DeletePostingsOf(uint16_t field) override;
  void PutId(uint16_t slot, const PointKey& key, const IdEntry& entry) override;
  void DeleteId(uint16_t slot, const PointKey& key) override;
  void MarkDead(uint64_t lsn, uint32_t row) override;
  void PutDigest(uint16_t slot, const Digest& digest) override;
  void PutDedupe(std::string_view request_id, const DedupeEntry& entry) override;
  void PutApplied(const AppliedState& applied) override;
  void PutManifest(std::string_view manifest) override;
  void PutFields(std::string_view fields) override;

  // For the store.
  void PutDedupeCount(uint64_t count);
  rocksdb::WriteBatch& Seal();  // moves everything into the RocksDB batch
  const std::optional<AppliedState>& applied() const { return applied_; }
  uint64_t dedupe_puts() const { return dedupe_puts_; }
  void Clear();

 private:
  rocksdb::ColumnFamilyHandle* family(Family family) const { return families_[size_t(family)]; }
  void Put(Family where, std::string_view key, std::string_view value);
  void Delete(Family where, std::string_view key);
  void SealIds();
  void SealDeletedRows();

  struct IdChange {
    IdKeyBytes key;
    std::array<char, kIdValueSize> value;
    bool is_delete = false;
  };

  const FamilyHandles& families_;
  rocksdb::WriteBatch batch_;
  std::vector<IdChange> ids_;
  std::vector<uint32_t> deleted_rows_;
  DigestChanges digests_;
  std::optional<AppliedState> applied_;
  uint64_t dedupe_puts_ = 0;
};

}  // namespace kith::storage

#endif  // KITH_SHARD_STORAGE_STATE_BATCH_H_
